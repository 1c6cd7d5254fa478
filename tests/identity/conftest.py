"""What tests of identity ask again and again."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from events.models import Event
from identity.directories.types import MemberSnapshot, Proof
from identity.models import Member
from kit.ids import uuid7
from tenancy import routing
from tenancy.models import Organization
from tenancy.services import organizations


@pytest.fixture
def history(api):
    """The organization's events of one type, oldest first, as its admin reads them."""

    def read(organization, type_, target=None):
        query = {"type": type_, "ordering": "occurred_at", "limit": 200}
        if target:
            query["target"] = target
        answer = api.get(
            f"{organization.path}/events", params=query, token=organization.admin.token
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]

    return read


@pytest.fixture
def at_stytch(committed):
    """Stytch's own id of a member."""
    return lambda member_id: Member.objects.get(pk=member_id).stytch_member_id


@pytest.fixture
def at_org(committed):
    """Stytch's own id of an organization."""
    return lambda organization: Organization.objects.get(pk=organization.id).stytch_org_id


@pytest.fixture
def listening(sandbox, wait_until_settled):
    """Call it to begin counting; what it returns tells what Stytch was asked since then."""

    def begin():
        wait_until_settled()
        since = datetime.now(UTC).isoformat()
        return lambda: [one["path"] for one in sandbox.requests("stytch") if one["at"] > since]

    return begin


@pytest.fixture
def organization(db):
    """An organization for tests that roll back, known by its Stytch id."""
    number = uuid7().hex[:8]
    return organizations.create_organization(
        stytch_org_id=f"organization-test-{number}", name="Acme", slug=f"acme-{number}"
    )


@pytest.fixture
def other_organization(db):
    """Create a second organization for tests that roll back."""
    number = uuid7().hex[:8]
    return organizations.create_organization(
        stytch_org_id=f"organization-other-{number}", name="Globex", slug=f"globex-{number}"
    )


@pytest.fixture
def recorded():
    """Return a function that reads an organization's events of one type from its schema."""

    def read(organization, type_):
        with routing.activate(organization):
            return list(Event.objects.filter(type=type_).order_by("occurred_at", "id"))

    return read


@pytest.fixture
def told():
    """A member as Stytch would tell it; valid by default, say only what matters."""

    def snapshot(organization, email="ada@acme.example", **said):
        fields = {
            "stytch_member_id": f"member-test-{uuid7().hex}",
            "stytch_org_id": organization.stytch_org_id,
            "email": email,
            "email_verified": True,
            "name": email.partition("@")[0].title(),
            "status": "active",
            "roles": ("stytch_member",),
            "read_at": datetime.now(UTC),
        }
        return MemberSnapshot(**fields | said)

    return snapshot


@pytest.fixture
def shown():
    """What a session may prove: addresses by an e-mail factor of now, or of the time given."""

    def email(*addresses, at=None):
        return Proof(dict.fromkeys(addresses, at or datetime.now(UTC)))

    return SimpleNamespace(email=email, nothing=Proof())
