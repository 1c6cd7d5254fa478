"""Invite people, send again, revoke, expire.

At Stytch an invitation is a member with status `invited`. These functions change it there; the rows
here are written by `identity.sync.invitations`, when the answer is applied.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from identity import directories, event_types, rate_limits, signals
from identity.directories.types import Snapshot
from identity.errors import (
    AlreadyMember,
    ChangeInProgress,
    InvitationClosed,
    InvitationPending,
    RoleAboveOwn,
)
from identity.models import (
    INVITATION_LIFETIME,
    ChangeKind,
    Invitation,
    InvitationStatus,
    Member,
    PendingChange,
    Status,
)
from identity.roles import Role, is_above, to_stytch
from identity.services import pending_changes, queued_invitations
from identity.sync import apply, attribution
from identity.sync import invitations as stored_invitations
from identity.sync.apply import Applied
from kit import actor as actors
from kit.addresses import normalize_email
from kit.errors import NotFound
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events


def get_invitation(organization: Organization, invitation_id: UUID) -> Invitation:
    """Return an invitation of this organization.

    Raises NotFound.
    """
    invitation = Invitation.objects.in_organization(organization).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation


@pending_changes.resumes_abandoned(lambda applied: applied.invitation)
def create_invitation(
    organization: Organization,
    *,
    email: str,
    role: Role,
    name: str = "",
    inviter_role: Role = Role.ADMIN,
    expected_seats: int | None = None,
) -> Invitation:
    """Invite an address.

    `expected_seats` is the number of paid seats that the inviter was shown.

    Raises RoleAboveOwn, AlreadyMember, InvitationPending, ChangeInProgress, TooManyRequests, what a
    receiver of `seat_wanted` raises, and what Stytch refuses.
    """
    with transaction.atomic():
        change = prepare_invitation(
            locks.lock_organization(organization.pk),
            email=email,
            role=role,
            name=name,
            inviter_role=inviter_role,
            expected_seats=expected_seats,
        )
        rate_limits.count_invitation_mail(email=email)  # rolled back with a refused invitation
    return send_invitation(change)


def prepare_invitation(
    organization: Organization,
    *,
    email: str,
    role: Role,
    name: str = "",
    inviter_role: Role = Role.ADMIN,
    expected_seats: int | None = None,
    lease: timedelta = pending_changes.CHANGE_LEASE,
) -> PendingChange:
    """Check an invitation and reserve its address and seat, under the organization's lock."""
    if is_above(role, inviter_role):
        raise RoleAboveOwn
    email = email.lower()
    present = Member.objects.in_organization(organization).filter(email_key=normalize_email(email))
    if present.filter(status__in=[Status.ACTIVE, Status.SUSPENDED]).exists():
        raise AlreadyMember
    former = _close_overdue(organization, email)
    change = pending_changes.open_change(
        organization=organization,
        kind=ChangeKind.INVITE,
        subject=attribution.subject_of_address(email),
        also=attribution.subject_of_invitation(former) if former else "",
        role=role,
        details={"email": email, "name": name},
        lease=lease,
        check=partial(_require_seat, organization, role, expected_seats),
    )
    rate_limits.count_invitation(organization_id=organization.pk, email=email)
    return change


def send_invitation(change: PendingChange, *, will_retry: bool = False) -> Invitation:
    """Send a prepared invitation to Stytch and store the answer."""
    applied = pending_changes.execute_change(
        change, _build_invite_call(change), will_retry=will_retry
    )
    if applied.invitation is None:
        raise AlreadyMember  # became active while we asked
    return applied.invitation


@pending_changes.resolves_abandoned
def resend_invitation(
    organization: Organization, *, invitation_id: UUID, inviter_role: Role = Role.ADMIN
) -> Invitation:
    """Mail an invitation again, for another seven days.

    Raises NotFound, InvitationClosed, RoleAboveOwn, ChangeInProgress, TooManyRequests, and
    `seat_wanted`'s refusal when it was overdue and so did not hold a seat any more.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        invitation = _get_open(organization, invitation_id)
        if is_above(invitation.role, inviter_role):
            raise RoleAboveOwn
        is_overdue = invitation.expires_at <= timezone.now()
        change = pending_changes.open_change(
            organization=organization,
            kind=ChangeKind.RESEND,
            subject=attribution.subject_of_address(invitation.email),
            also=attribution.subject_of_invitation(invitation),
            role=invitation.role,
            role_before="" if is_overdue else invitation.role,
            details={"email": invitation.email, "name": invitation.name},
            check=partial(_require_seat, organization, invitation.role) if is_overdue else None,
        )
        rate_limits.count_invitation(organization_id=organization.pk, email=invitation.email)
        rate_limits.count_invitation_mail(email=invitation.email)
    pending_changes.execute_change(
        change, _build_invite_call(change), record=partial(_record_resent, invitation_id)
    )
    return get_invitation(organization, invitation_id)


@pending_changes.resumes_abandoned(lambda applied: applied.invitation)
def revoke_invitation(organization: Organization, *, invitation_id: UUID) -> Invitation:
    """Revoke an invitation, so that its link is void and its seat free.

    Raises NotFound, InvitationClosed and ChangeInProgress.
    """
    if get_invitation(organization, invitation_id).status == InvitationStatus.QUEUED:
        queued_invitations.revoke_queued_invitation(organization, invitation_id=invitation_id)
        revoked = get_invitation(organization, invitation_id)
        if revoked.status != InvitationStatus.REVOKED:
            raise InvitationClosed  # accepted before the directory was asked
        return revoked
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        invitation = _get_open(organization, invitation_id)
        change = _prepare_revocation(organization, invitation)
    pending_changes.execute_change(change, _build_delete_call(organization, invitation))
    return get_invitation(organization, invitation_id)


def expire_invitation(invitation_id: UUID) -> None:
    """Close an overdue invitation here and at Stytch, unless it was accepted meanwhile."""
    overdue = Invitation.objects.overdue().select_related("organization")
    invitation = overdue.filter(pk=invitation_id).first()
    if invitation is None:
        return
    found = directories.get_directory().fetch_member(
        stytch_member_id=invitation.stytch_member_id or ""
    )
    with transaction.atomic():
        organization = locks.lock_organization(invitation.organization_id)
        apply.apply_snapshot(found)
        if not Invitation.objects.overdue().filter(pk=invitation_id).exists():
            return
        change = _prepare_revocation(organization, invitation)
    pending_changes.execute_change(change, _build_delete_call(organization, invitation))


def _close_overdue(organization: Organization, email: str) -> Invitation | None:
    """Close and return the overdue invitation of an address.

    Raises InvitationPending for one that is not overdue.
    """
    invitations = Invitation.objects.in_organization(organization).open()
    former = invitations.filter(email_key=normalize_email(email)).first()
    if former is None:
        return None
    if former.expires_at > timezone.now():
        raise InvitationPending("Send it again instead, or revoke it first.")
    former.status = InvitationStatus.EXPIRED
    stored_invitations.close_invitation(organization, former)
    return former


def _get_open(organization: Organization, invitation_id: UUID) -> Invitation:
    invitation = get_invitation(organization, invitation_id)
    if invitation.status == InvitationStatus.QUEUED:
        raise ChangeInProgress("It is queued, and will be mailed within seconds.")
    if invitation.status != InvitationStatus.PENDING:
        raise InvitationClosed
    return invitation


def _prepare_revocation(organization: Organization, invitation: Invitation) -> PendingChange:
    return pending_changes.open_change(
        organization=organization,
        kind=ChangeKind.REVOKE,
        subject=attribution.subject_of_invitation(invitation),
        also=attribution.subject_of_address(invitation.email),
        role_before=invitation.role,  # a member who accepts meanwhile is being removed already
    )


def _build_invite_call(change: PendingChange) -> Callable[[], Snapshot]:
    return partial(
        directories.get_directory().invite_member,
        stytch_org_id=change.organization.stytch_org_id or "",
        email=change.details["email"],
        name=change.details["name"],
        roles=to_stytch(change.role),
        invited_by=_find_inviter_id(change),
    )


def _find_inviter_id(change: PendingChange) -> str:
    """Return Stytch's id of the inviting member, for the name in the mail."""
    actor = actors.actor_from_arguments(change.actor)
    if actor.kind != "member":
        return ""
    members = Member.objects.filter(organization_id=change.organization_id, pk=actor.id)
    return members.values_list("stytch_member_id", flat=True).first() or ""


def _build_delete_call(
    organization: Organization, invitation: Invitation
) -> Callable[[], Snapshot]:
    return partial(
        directories.get_directory().delete_member,
        stytch_org_id=organization.stytch_org_id or "",
        stytch_member_id=invitation.stytch_member_id or "",
    )


def _record_resent(invitation_id: UUID, organization: Organization, _: Applied) -> None:
    invitation = get_invitation(organization, invitation_id)
    if invitation.status != InvitationStatus.PENDING:
        return
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + INVITATION_LIFETIME
    invitation.save(update_fields=["sent_at", "expires_at", "updated_at"])
    events.record(organization, event_types.INVITATION_RESENT, invitation.pk)


def _require_seat(organization: Organization, role: str, expected_seats: int | None = None) -> None:
    signals.seat_wanted.send(
        sender=Invitation,
        organization=organization,
        role=role,
        before="",
        reason="invitation",
        expected_seats=expected_seats,
    )
