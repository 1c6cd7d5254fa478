"""Create organizations through the API, each with an admin, a member and a viewer."""

import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass

from support.api_client import BaseUrls, FrontEnd, Session
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
        self.front_end = FrontEnd(BaseUrls(api=API_URL, sandbox=SANDBOX_URL))
        self._shared = {}

    def create_organization(self, name="acme"):
        """Create an organization with three signed-in people.

        Its webhooks are dropped: the API has stored what they would only repeat.
        """
        with self._drop_webhooks():
            return self._sign_up(name, slug=f"{name}-{secrets.token_hex(4)}")

    def _sign_up(self, name, *, slug):
        admin = self.front_end.create_organization(
            f"ada@{slug}.example", name=name.title(), slug=slug
        )
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

    @contextmanager
    def _drop_webhooks(self):
        before = self.front_end.control("GET", "/webhooks")
        self.front_end.control("POST", "/webhooks", {"drop": 1000, "vendor": "stytch"})
        try:
            yield
        finally:
            settings = {name: value for name, value in before.items() if value is not None}
            self.front_end.control("POST", "/webhooks", settings)

    def _sign_in_again(self, organization):
        for role, person in {"admin": "ada", **PEOPLE}.items():
            email = organization.address(person)
            setattr(organization, role, self.front_end.sign_in(email, slug=organization.slug))
