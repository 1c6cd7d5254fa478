"""Provide organizations, snapshots of members and readers of events to the tests of identity."""

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
    """Return a function that reads an organization's events of one type through the API, oldest first."""

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
    """Return a function that returns Stytch's id of a member."""
    return lambda member_id: Member.objects.get(pk=member_id).stytch_member_id


@pytest.fixture
def at_org(committed):
    """Return a function that returns Stytch's id of an organization."""
    return lambda organization: Organization.objects.get(pk=organization.id).stytch_org_id


@pytest.fixture
def count_stytch_calls(sandbox, wait_until_settled):
    """Return a function that begins counting and returns a list of the paths called since then."""

    def begin():
        wait_until_settled()
        since = datetime.now(UTC).isoformat()
        return lambda: [one["path"] for one in sandbox.requests("stytch") if one["at"] > since]

    return begin


@pytest.fixture
def organization(db):
    """Create an organization for tests that roll back."""
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
def read_events():
    """Return a function that reads an organization's events of one type from its schema."""

    def read(organization, type_):
        with routing.activate(organization):
            return list(Event.objects.filter(type=type_).order_by("occurred_at", "id"))

    return read


@pytest.fixture
def build_snapshot():
    """Return a function that builds the snapshot of a member, valid by default."""

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
def proofs():
    """Return builders of what a session proves: addresses by an e-mail factor, or nothing."""

    def email(*addresses, at=None):
        return Proof(dict.fromkeys(addresses, at or datetime.now(UTC)))

    return SimpleNamespace(email=email, nothing=Proof())
