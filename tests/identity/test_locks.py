"""Every change of an organization's people is checked under the organization's lock."""

import secrets
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from identity.directories.types import MemberDeleted, MemberSnapshot, OrganizationSnapshot
from identity.models import Member, PendingChange
from identity.roles import Role
from identity.services import bulk_invitations, invitations, members, organizations
from identity.sync import apply
from tenancy.models import Organization
from tests.harness.locking import organization_locked, waiting_for


@pytest.fixture
def change(new_organization, committed):
    """The changes people ask for, by name; each is a call that asks Stytch at last."""
    organization = Organization.objects.get(pk=new_organization.id)
    viewer, admin = new_organization.viewer.member["id"], new_organization.admin.member["id"]
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    giver = Member.objects.get(pk=admin)
    return organization, {
        "change_role": lambda: members.change_role(
            organization, member_id=viewer, role=Role.MEMBER
        ),
        "transfer_admin": lambda: members.transfer_admin(
            organization, member_id=viewer, giver=giver
        ),
        "remove": lambda: members.remove_member(organization, member_id=viewer),
        "leave": lambda: members.leave_organization(organization, member_id=viewer),
        "invite": lambda: invitations.create_invitation(
            organization, email=email, role=Role.MEMBER
        ),
        "bulk": lambda: bulk_invitations.create_invitations(
            organization, rows=[bulk_invitations.Row(email=email, role=Role.MEMBER)]
        ),
        "rename": lambda: organizations.rename_organization(organization, name="Acme Two"),
    }


@pytest.mark.parametrize(
    "name", ["change_role", "transfer_admin", "remove", "leave", "invite", "bulk", "rename"]
)
def test_change_is_checked_and_written_down_under_the_lock(change, name):
    organization, calls = change

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, calls[name]) as running,
    ):
        assert not PendingChange.objects.in_organization(organization).filter(state="open").exists()

    running.result()


@pytest.mark.parametrize("name", ["reactivate", "revoke", "resend"])
def test_change_of_what_was_made_before_is_checked_under_the_lock(
    new_organization, committed, name
):
    organization = Organization.objects.get(pk=new_organization.id)
    viewer = new_organization.viewer.member["id"]
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    invited = invitations.create_invitation(organization, email=email, role=Role.MEMBER)
    if name == "reactivate":
        members.remove_member(organization, member_id=viewer)
    calls = {
        "reactivate": lambda: members.reactivate_member(organization, member_id=viewer),
        "revoke": lambda: invitations.revoke_invitation(organization, invitation_id=invited.pk),
        "resend": lambda: invitations.resend_invitation(organization, invitation_id=invited.pk),
    }

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, calls[name]) as running,
    ):
        assert not PendingChange.objects.in_organization(organization).filter(state="open").exists()

    running.result()


@pytest.mark.parametrize("kind", ["member", "invited", "deleted", "organization"])
def test_snapshot_of_the_directory_is_applied_under_the_lock(new_organization, committed, kind):
    organization = Organization.objects.get(pk=new_organization.id)
    member = Member.objects.get(pk=new_organization.viewer.member["id"])
    new = {
        "stytch_member_id": f"member-test-{secrets.token_hex(8)}",
        "stytch_org_id": organization.stytch_org_id,
        "email": new_organization.address(f"new-{secrets.token_hex(3)}"),
        "email_verified": True,
        "name": "New",
        "roles": (),
        "read_at": datetime.now(UTC),
    }
    snapshots = {
        "member": MemberSnapshot(**new, status="active"),
        "invited": MemberSnapshot(**new, status="invited"),
        "deleted": MemberDeleted(stytch_member_id=member.stytch_member_id),
        "organization": OrganizationSnapshot(
            read_at=timezone.now(),
            stytch_org_id=organization.stytch_org_id,
            name="Renamed",
            slug=organization.slug,
        ),
    }

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, lambda: apply.apply_snapshot(snapshots[kind])) as running,
    ):
        organization.refresh_from_db()
        member.refresh_from_db()
        assert (organization.name, member.status) != ("Renamed", "removed")

    running.result()
