"""Apply deletions at Stytch to members, invitations and organizations."""

from django.utils import timezone

from identity import event_types, signals
from identity.actors import act_as_directory
from identity.directories.types import MemberDeleted
from identity.models import (
    ChangeKind,
    ChangeState,
    Invitation,
    InvitationStatus,
    Member,
    PendingChange,
    Status,
)
from identity.sync import last_admin, members
from identity.sync.attribution import attribute_change, is_wanted
from identity.sync.attribution import subject_of_stytch_member as subject_of
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events, organizations


def apply_member_deletion(organization: Organization, told: MemberDeleted) -> Member | None:
    """Remove the member of that id, if it is here. Under the organization's lock.

    One we have heard of since this was asked for may have come back: that is asked once more.
    """
    stytch_member_id = told.stytch_member_id
    member = (
        Member.objects.in_organization(organization)
        .filter(stytch_member_id=stytch_member_id)
        .first()
    )
    if member is None or member.status == Status.REMOVED:
        return member
    # Revoking an invitation that was accepted a moment before removes the member it made.
    kinds = (ChangeKind.REMOVE, ChangeKind.REVOKE)
    subject = subject_of(stytch_member_id)
    is_old = told.read_at is not None and told.read_at <= member.updated_at
    if is_old and not is_wanted(organization, subject, *kinds):
        members.defer_pull(stytch_member_id)
        return member
    before = Status(member.status)
    now = timezone.now()
    if before == Status.SUSPENDED:
        member.suspended_at = member.suspended_at or now
    member.status = Status.REMOVED
    member.removed_at = member.sessions_ended_at = now
    member.save()
    with attribute_change(organization, subject, *kinds) as change:
        events.record(
            organization,
            event_types.MEMBER_REMOVED,
            member.pk,
            changes={"status": (before, Status.REMOVED)},
            details=change.details if change else None,
        )
        signals.member_removed.send(sender=Member, organization=organization, member=member)
    if member.is_admin:
        last_admin.report_missing_admin(organization)
    return member


def apply_invitation_deletion(
    organization: Organization, stytch_member_id: str
) -> Invitation | None:
    """Close the open invitation of a Stytch member, as revoked or expired."""
    invitations = Invitation.objects.in_organization(organization).open()
    invitation = invitations.filter(stytch_member_id=stytch_member_id).first()
    if invitation is None:
        return None
    invitation.status = (
        InvitationStatus.REVOKED
        if invitation.expires_at > timezone.now()
        else InvitationStatus.EXPIRED
    )
    with attribute_change(organization, subject_of(stytch_member_id), ChangeKind.REVOKE):
        close_invitation(organization, invitation)
    return invitation


def close_invitation(organization: Organization, invitation: Invitation) -> None:
    """Store and record that an invitation was revoked or has expired."""
    invitation.save(update_fields=["status", "updated_at"])
    events.record(organization, event_types.INVITATION_CLOSED[invitation.status], invitation.pk)
    signals.invitation_closed.send(
        sender=Invitation, organization=organization, invitation=invitation
    )


def apply_organization_deletion(stytch_org_id: str) -> Organization | None:
    """Delete the organization of that id with its members and invitations."""
    known = Organization.objects.filter(stytch_org_id=stytch_org_id).first()
    if known is None or known.is_deleted:
        return known
    organization = locks.lock_organization(known.pk)
    now = timezone.now()
    Member.objects.in_organization(organization).exclude(status=Status.REMOVED).update(
        status=Status.REMOVED, removed_at=now, sessions_ended_at=now, updated_at=now
    )
    Invitation.objects.in_organization(organization).open().update(
        status=InvitationStatus.REVOKED, updated_at=now
    )
    PendingChange.objects.in_organization(organization).open().update(
        state=ChangeState.LAPSED, closed_at=now, updated_at=now
    )
    with act_as_directory():
        organizations.delete_organization(organization)
    return organization
