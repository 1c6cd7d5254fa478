"""The same people in every test: two organizations, each with an admin, a member and a viewer."""

import secrets
import time
from dataclasses import dataclass

from support.api_client import Places, Session, World
from tests.harness.plugin import API_URL, SANDBOX_URL

PEOPLE = {"member": "grace", "viewer": "vic"}
FRESH_SECONDS = 200  # tokens live for 300


@dataclass
class Company:
    """An organization and its people; `admin`, `member` and `viewer` are signed-in sessions."""

    slug: str
    id: str
    admin: Session
    member: Session
    viewer: Session

    @property
    def path(self):
        return f"/v1/organizations/{self.slug}"

    def address(self, name):
        """An address of this company that no one else uses."""
        return f"{name}@{self.slug}.example"

    def token(self, role):
        return getattr(self, role).token


class Casting:
    """Makes companies through the API, as people would."""

    def __init__(self):
        self.world = World(Places(api=API_URL, sandbox=SANDBOX_URL))
        self._lent = {}

    def company(self, name="acme"):
        """A company of one's own."""
        slug = f"{name}-{secrets.token_hex(4)}"
        admin = self.world.found(f"ada@{slug}.example", name=name.title(), slug=slug)
        others = {}
        for role, person in PEOPLE.items():
            email = f"{person}@{slug}.example"
            self.world.invite(admin, email, role=role, name=person.title())
            others[role] = self.world.accept(email)
        return Company(slug, admin.organization["id"], admin, **others)

    def lent(self, name):
        """A company shared by tests that change nothing, with tokens that are still good."""
        company, since = self._lent.get(name, (None, 0))
        if company is None:
            company = self.company(name)
        elif time.monotonic() - since > FRESH_SECONDS:
            self._renew(company)
        else:
            return company
        self._lent[name] = (company, time.monotonic())
        return company

    def _renew(self, company):
        for role, person in {"admin": "ada", **PEOPLE}.items():
            setattr(company, role, self.world.sign_in(company.address(person), slug=company.slug))
