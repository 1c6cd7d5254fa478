"""Each query and lock of a service is about one organization: with two, the other stays as it is."""

from datetime import timedelta

import pytest
from django.utils import timezone

from identity.gateway.port import MemberDeleted, OrganizationDeleted
from identity.models import Intent, IntentKind, Invitation
from identity.services import directory
from kit.ids import uuid7
from tenancy.services import organizations

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(db):
    """A second organization."""
    number = uuid7().hex[-8:]
    return organizations.create(
        stytch_org_id=f"organization-test-{number}", name="Globex", slug=f"globex-{number}"
    )


def test_revoking_one_invitation_leaves_the_others_open(organization, told):
    first = told(organization, "first@acme.example", status="invited")
    second = told(organization, "second@acme.example", status="invited")
    for one in (first, second):
        directory.apply(one)

    directory.apply(MemberDeleted(stytch_member_id=second.stytch_member_id))

    status = dict(Invitation.objects.of(organization).values_list("email", "status"))
    assert status == {"first@acme.example": "pending", "second@acme.example": "revoked"}


def test_removing_a_member_revokes_no_invitation(organization, told):
    here = told(organization, "here@acme.example")
    directory.apply(here)
    directory.apply(told(organization, "asked@acme.example", status="invited"))

    directory.apply(MemberDeleted(stytch_member_id=here.stytch_member_id))

    assert Invitation.objects.of(organization).get().status == "pending"


def test_accepting_here_leaves_another_organizations_invitation_open(organization, other, told):
    directory.apply(told(other, "ada@both.example", status="invited"))

    directory.apply(told(organization, "ada@both.example"))

    assert Invitation.objects.of(other).get().status == "pending"


def test_deleting_one_organization_leaves_pending_changes_of_others_open(organization, other):
    theirs = Intent.objects.create(
        organization=other,
        kind=IntentKind.INVITE,
        subject="address:x@globex.example",
        caller={},
        expires_at=timezone.now() + timedelta(seconds=30),
    )

    directory.apply(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))

    theirs.refresh_from_db()
    assert theirs.state == "open"


def test_deleting_one_organization_leaves_members_and_invitations_of_others(
    organization, other, told
):
    member = directory.apply(told(other, "grace@globex.example")).member
    directory.apply(told(other, "asked@globex.example", status="invited"))

    directory.apply(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))

    member.refresh_from_db()
    assert member.status == "active"
    assert Invitation.objects.of(other).get().status == "pending"


def test_person_known_elsewhere_is_the_same_here_although_others_are_members(
    organization, other, told, shown
):
    email = "ada@both.example"
    there = directory.apply(told(other, email), proof=shown.email(email)).member
    directory.apply(told(organization, "grace@acme.example"))

    here = directory.apply(told(organization, email), proof=shown.email(email)).member

    assert here.user_id == there.user_id
