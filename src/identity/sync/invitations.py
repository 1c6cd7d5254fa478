"""Keep invitations in step with the members that Stytch lists as `invited`.

All functions run under the organization's lock.
"""

from django.db.models import Q
from django.utils import timezone

from identity import event_types, signals
from identity.actors import act_as_directory
from identity.directories.types import MemberDeleted, MemberSnapshot
from identity.models import (
    INVITATION_LIFETIME,
    ChangeKind,
    Invitation,
    InvitationStatus,
    Member,
    Status,
)
from identity.roles import from_stytch
from identity.sync.attribution import attribute_change, is_wanted, subject_of_address
from identity.sync.attribution import subject_of_stytch_member as subject_of
from identity.sync.changes import (
    assign_changed_fields,
    defer_pull,
    is_ambiguous,
    is_later_change,
    is_outdated,
)
from kit import actor as actors
from kit.addresses import normalize_email
from tenancy.models import Organization
from tenancy.services import events


def apply_invitation(organization: Organization, snapshot: MemberSnapshot) -> Invitation | None:
    """Create or update the invitation that a snapshot describes.

    Returns None when the snapshot is older than what is stored.
    """
    invitation = find_open_invitation(organization, snapshot)
    if invitation is not None and invitation.status != InvitationStatus.QUEUED:
        _update_invitation(organization, invitation, snapshot)
        return invitation
    if _was_closed_after(organization, snapshot):
        return None
    return _create_invitation(organization, snapshot, queued=invitation)


def find_open_invitation(organization: Organization, snapshot: MemberSnapshot) -> Invitation | None:
    """Find the open invitation with the Stytch id of a snapshot, else the one with its address."""
    invitations = Invitation.objects.in_organization(organization).open()
    own = invitations.filter(stytch_member_id=snapshot.stytch_member_id).first()
    return own or invitations.filter(email_key=normalize_email(snapshot.email)).first()


def mark_accepted(organization: Organization, member: Member, invitation: Invitation) -> None:
    """Close the invitation of a person who became an active member."""
    invitation.status = InvitationStatus.ACCEPTED
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["status", "accepted_at", "updated_at"])
    events.record(
        organization,
        event_types.INVITATION_ACCEPTED,
        invitation.pk,
        details={"member_id": str(member.pk)},
    )
    _send_closed_signal(organization, invitation)


def apply_invitation_deletion(
    organization: Organization, deleted: MemberDeleted
) -> Invitation | None:
    """Close the open invitation whose member Stytch has deleted.

    Its status becomes revoked, or expired if its time had run out. Returns None without an open one.
    An invitation that was stored after the deletion was read is fetched again instead.
    """
    stytch_member_id = deleted.stytch_member_id
    invitations = Invitation.objects.in_organization(organization).open()
    invitation = invitations.filter(stytch_member_id=stytch_member_id).first()
    if invitation is None:
        return None
    is_old = deleted.read_at is not None and deleted.read_at <= invitation.updated_at
    if is_old and not is_wanted(organization, subject_of(stytch_member_id), ChangeKind.REVOKE):
        defer_pull(stytch_member_id)
        return invitation
    invitation.status = (
        InvitationStatus.REVOKED
        if invitation.expires_at > timezone.now()
        else InvitationStatus.EXPIRED
    )
    with attribute_change(organization, subject_of(stytch_member_id), ChangeKind.REVOKE):
        close_invitation(organization, invitation)
    return invitation


def close_invitation(organization: Organization, invitation: Invitation) -> None:
    """Save and record that an invitation was revoked or has expired, as its new status states."""
    invitation.save(update_fields=["status", "updated_at"])
    events.record(organization, event_types.INVITATION_CLOSED[invitation.status], invitation.pk)
    _send_closed_signal(organization, invitation)


def _was_closed_after(organization: Organization, snapshot: MemberSnapshot) -> bool:
    """Return whether the invitation was closed or its member activated after the snapshot."""
    same_id = Q(stytch_member_id=snapshot.stytch_member_id)
    closed = Invitation.objects.in_organization(organization).filter(
        same_id, updated_at__gte=snapshot.read_at
    )
    activated = (
        Member.objects.in_organization(organization)
        .filter(same_id)
        .exclude(status__in=[Status.PENDING, Status.REMOVED])
    )
    return closed.exists() or activated.exists()


def _create_invitation(
    organization: Organization, snapshot: MemberSnapshot, *, queued: Invitation | None
) -> Invitation:
    """Create the invitation that was sent, in the row that was queued for it if there is one."""
    role = from_stytch(snapshot.roles)
    with attribute_change(organization, subject_of_address(snapshot.email), ChangeKind.INVITE):
        invitation = queued or Invitation(
            organization=organization, invited_by=find_inviter(organization)
        )
        invitation.stytch_member_id = snapshot.stytch_member_id
        invitation.email, invitation.name, invitation.role = snapshot.email, snapshot.name, role
        invitation.status = InvitationStatus.PENDING
        invitation.sent_at = timezone.now()
        invitation.expires_at = invitation.sent_at + INVITATION_LIFETIME
        invitation.changed_at = snapshot.changed_at
        invitation.save()
        events.record(
            organization,
            event_types.INVITATION_CREATED,
            invitation.pk,
            changes={"email": (None, snapshot.email), "role": (None, role)},
        )
        signals.invitation_created.send(
            sender=Invitation, organization=organization, invitation=invitation
        )
    return invitation


def find_inviter(organization: Organization) -> Member | None:
    """Return the member who acts now, if it is one of this organization."""
    actor = actors.get_actor()
    if actor.kind != "member":
        return None
    return Member.objects.in_organization(organization).filter(pk=actor.id).first()


def _update_invitation(
    organization: Organization, invitation: Invitation, snapshot: MemberSnapshot
) -> None:
    new_values: dict[str, object] = {
        "stytch_member_id": snapshot.stytch_member_id,
        "email": snapshot.email,
        "name": snapshot.name,
        "role": from_stytch(snapshot.roles),
    }
    if _is_undecided(invitation, snapshot, new_values):
        return
    changes = assign_changed_fields(invitation, new_values)
    if not changes and not is_later_change(invitation, snapshot):
        return
    invitation.changed_at = snapshot.changed_at or invitation.changed_at
    invitation.save()
    changes.pop("stytch_member_id", None)
    if changes:
        with act_as_directory():
            events.record(
                organization, event_types.INVITATION_UPDATED, invitation.pk, changes=changes
            )


def _is_undecided(
    invitation: Invitation, snapshot: MemberSnapshot, new_values: dict[str, object]
) -> bool:
    """Return whether a snapshot is older than the invitation, or may be and is fetched again."""
    is_same_member = invitation.stytch_member_id == snapshot.stytch_member_id
    if is_same_member and is_outdated(invitation, snapshot):
        return True
    if all(getattr(invitation, name) == value for name, value in new_values.items()):
        return False
    if is_same_member and _is_address_taken(invitation, snapshot):
        return True
    was_stored_later = snapshot.read_at <= invitation.updated_at
    undecided = is_ambiguous(invitation, snapshot) if is_same_member else was_stored_later
    if undecided:
        defer_pull(snapshot.stytch_member_id)
    return undecided


def _is_address_taken(invitation: Invitation, snapshot: MemberSnapshot) -> bool:
    """Return whether another open invitation has the address that a snapshot gives to this one.

    At Stytch one of the two is gone, so both are fetched again, except for two spellings of one
    address: those may be two members there, and this invitation keeps its former address.
    """
    others = Invitation.objects.filter(organization_id=invitation.organization_id).open()
    other = (
        others.exclude(pk=invitation.pk).filter(email_key=normalize_email(snapshot.email)).first()
    )
    if other is not None and other.stytch_member_id and other.email == snapshot.email:
        defer_pull(other.stytch_member_id)
        defer_pull(snapshot.stytch_member_id)
    return other is not None


def _send_closed_signal(organization: Organization, invitation: Invitation) -> None:
    signals.invitation_closed.send(
        sender=Invitation, organization=organization, invitation=invitation
    )
