"""Create organizations through the API, each with an admin, a member and a viewer."""

import secrets
import time
from dataclasses import dataclass

from support.api_client import Places, Session, World
from tests.harness.plugin import API_URL, SANDBOX_URL

PEOPLE = {"member": "grace", "viewer": "vic"}
TOKEN_REUSE_SECONDS = 200  # tokens are valid for 300


@dataclass
class SampleOrganization:
    """Hold an organization with the sessions of its admin, its member and its viewer."""

    slug: str
    id: str
    admin: Session
    member: Session
    viewer: Session

    @property
    def path(self):
        return f"/v1/organizations/{self.slug}"

    def address(self, name):
        """Return the email address of a person of this organization."""
        return f"{name}@{self.slug}.example"

    def token(self, role):
        return getattr(self, role).token


class OrganizationFactory:
    """Create organizations through the API, as a front end does."""

    def __init__(self):
        self.front_end = World(Places(api=API_URL, sandbox=SANDBOX_URL))
        self._shared = {}

    def create_organization(self, name="acme"):
        """Create an organization with three signed-in people."""
        slug = f"{name}-{secrets.token_hex(4)}"
        admin = self.front_end.found(f"ada@{slug}.example", name=name.title(), slug=slug)
        others = {}
        for role, person in PEOPLE.items():
            email = f"{person}@{slug}.example"
            self.front_end.invite(admin, email, role=role, name=person.title())
            others[role] = self.front_end.accept(email)
        return SampleOrganization(slug, admin.organization["id"], admin, **others)

    def get_shared_organization(self, name):
        """Return the organization shared under a name, with tokens that are still valid."""
        organization, signed_in_at = self._shared.get(name, (None, 0))
        if organization is None:
            organization = self.create_organization(name)
        elif time.monotonic() - signed_in_at > TOKEN_REUSE_SECONDS:
            self._sign_in_again(organization)
        else:
            return organization
        self._shared[name] = (organization, time.monotonic())
        return organization

    def _sign_in_again(self, organization):
        for role, person in {"admin": "ada", **PEOPLE}.items():
            email = organization.address(person)
            setattr(organization, role, self.front_end.sign_in(email, slug=organization.slug))
