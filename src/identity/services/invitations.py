"""Inviting people. At Stytch an invitation is a member; here it is an offer that ends one of four ways."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from identity import directories, event_types, rate_limits, signals
from identity.directories.types import Snapshot
from identity.errors import AlreadyMember, InvitationClosed, InvitationPending
from identity.models import (
    Intent,
    IntentKind,
    Invitation,
    InvitationStatus,
    Member,
    Status,
)
from identity.roles import Role, to_stytch
from identity.services import pending_changes
from identity.sync import apply, attribution, departures
from identity.sync.apply import Applied
from identity.sync.members import INVITATION_LIFE
from kit import actor as callers
from kit.errors import NotFound
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events


def get(organization: Organization, invitation_id: UUID) -> Invitation:
    """An invitation of this organization. Raises NotFound."""
    invitation = Invitation.objects.of(organization).filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation


def create(
    organization: Organization,
    *,
    email: str,
    role: Role,
    name: str = "",
    expected_seats: int | None = None,
) -> Invitation:
    """Invite an address; `expected_seats` is what the inviter was told would be paid for then.

    Raises AlreadyMember, InvitationPending, ChangeInProgress, TooManyRequests, what a receiver of
    `seat_wanted` raises, and what Stytch refuses.
    """
    with transaction.atomic():
        intent = intend(
            locks.organization(organization.pk),
            email=email,
            role=role,
            name=name,
            expected_seats=expected_seats,
        )
        rate_limits.count_invitation_mail(email=email)  # rolled back with a refused invitation
    return send(intent)


def intend(
    organization: Organization,
    *,
    email: str,
    role: Role,
    name: str = "",
    expected_seats: int | None = None,
    lease: timedelta = pending_changes.LEASE,
) -> Intent:
    """Step one of an invitation, under the organization's lock: check, and claim address and seat."""
    email = email.lower()
    present = Member.objects.of(organization).filter(email__lower=email)
    if present.filter(status__in=[Status.ACTIVE, Status.SUSPENDED]).exists():
        raise AlreadyMember
    former = _make_room(organization, email)
    _want_seat(organization, role, expected_seats)
    return pending_changes.open(
        organization=organization,
        kind=IntentKind.INVITE,
        subject=attribution.address(email),
        also=attribution.member(former.stytch_member_id) if former else "",
        role=role,
        details={"email": email, "name": name},
        lease=lease,
    )


def send(intent: Intent, *, will_retry: bool = False) -> Invitation:
    """Steps two and three of an invitation."""
    applied = pending_changes.carry_out(intent, _asking(intent), will_retry=will_retry)
    if applied.invitation is None:
        raise AlreadyMember  # became active while we asked
    return applied.invitation


def resend(organization: Organization, *, invitation_id: UUID) -> Invitation:
    """Mail an invitation again, for another seven days.

    Raises NotFound, InvitationClosed, ChangeInProgress, TooManyRequests, and `seat_wanted`'s refusal
    when it was overdue and so did not hold a seat any more.
    """
    with transaction.atomic():
        organization = locks.organization(organization.pk)
        invitation = _get_open(organization, invitation_id)
        is_overdue = invitation.expires_at <= timezone.now()
        if is_overdue:
            _want_seat(organization, invitation.role)
        intent = pending_changes.open(
            organization=organization,
            kind=IntentKind.RESEND,
            subject=attribution.address(invitation.email),
            also=attribution.member(invitation.stytch_member_id),
            role=invitation.role,
            role_before="" if is_overdue else invitation.role,
            details={"email": invitation.email, "name": invitation.name},
        )
        rate_limits.count_invitation_mail(email=invitation.email)
    pending_changes.carry_out(
        intent, _asking(intent), record=partial(_record_resent, invitation_id)
    )
    return get(organization, invitation_id)


def revoke(organization: Organization, *, invitation_id: UUID) -> Invitation:
    """Withdraw an invitation: its link is dead and its seat free.

    Raises NotFound, InvitationClosed and ChangeInProgress.
    """
    with transaction.atomic():
        organization = locks.organization(organization.pk)
        invitation = _get_open(organization, invitation_id)
        intent = _intend_revocation(organization, invitation)
    pending_changes.carry_out(intent, _deleting(organization, invitation))
    return get(organization, invitation_id)


def expire(invitation_id: UUID) -> None:
    """Close an overdue invitation, here and at Stytch; one that was accepted meanwhile stays."""
    overdue = Invitation.objects.overdue().select_related("organization")
    invitation = overdue.filter(pk=invitation_id).first()
    if invitation is None:
        return
    found = directories.current().member(stytch_member_id=invitation.stytch_member_id)
    with transaction.atomic():
        organization = locks.organization(invitation.organization_id)
        apply.apply(found)
        if not Invitation.objects.overdue().filter(pk=invitation_id).exists():
            return
        intent = _intend_revocation(organization, invitation)
    pending_changes.carry_out(intent, _deleting(organization, invitation))


def _make_room(organization: Organization, email: str) -> Invitation | None:
    """One pending invitation per address; an overdue one makes way at once, and is returned."""
    invitations = Invitation.objects.of(organization).open().filter(email__lower=email)
    former = invitations.first()
    if former is None:
        return None
    if former.expires_at > timezone.now():
        raise InvitationPending("Send it again instead, or revoke it first.")
    former.status = InvitationStatus.EXPIRED
    departures.close(organization, former)
    return former


def _get_open(organization: Organization, invitation_id: UUID) -> Invitation:
    invitation = get(organization, invitation_id)
    if invitation.status != InvitationStatus.PENDING:
        raise InvitationClosed
    return invitation


def _intend_revocation(organization: Organization, invitation: Invitation) -> Intent:
    return pending_changes.open(
        organization=organization,
        kind=IntentKind.REVOKE,
        subject=attribution.member(invitation.stytch_member_id),
        also=attribution.address(invitation.email),
        role_before=invitation.role,  # whoever accepts meanwhile is on the way out already
    )


def _asking(intent: Intent) -> Callable[[], Snapshot]:
    return partial(
        directories.current().invite,
        stytch_org_id=intent.organization.stytch_org_id or "",
        email=intent.details["email"],
        name=intent.details["name"],
        roles=to_stytch(intent.role),
        invited_by=_inviter(intent),
    )


def _inviter(intent: Intent) -> str:
    """Stytch's id of the inviting member, for the name in the mail."""
    caller = callers.from_arguments(intent.caller)
    if caller.kind != "member":
        return ""
    members = Member.objects.filter(organization_id=intent.organization_id, pk=caller.id)
    return members.values_list("stytch_member_id", flat=True).first() or ""


def _deleting(organization: Organization, invitation: Invitation) -> Callable[[], Snapshot]:
    return partial(
        directories.current().delete_member,
        stytch_org_id=organization.stytch_org_id or "",
        stytch_member_id=invitation.stytch_member_id,
    )


def _record_resent(invitation_id: UUID, organization: Organization, _: Applied) -> None:
    invitation = get(organization, invitation_id)
    if invitation.status != InvitationStatus.PENDING:
        return
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + INVITATION_LIFE
    invitation.save(update_fields=["sent_at", "expires_at", "updated_at"])
    events.write(organization, event_types.INVITATION_RESENT, invitation.pk)


def _want_seat(organization: Organization, role: str, expected_seats: int | None = None) -> None:
    signals.seat_wanted.send(
        sender=Invitation,
        organization=organization,
        role=role,
        before="",
        reason="invitation",
        expected_seats=expected_seats,
    )
