"""Receive the signals of identity.

Every change of members appends to the ledger.
"""

from collections.abc import Sequence
from typing import Final

from django.dispatch import receiver

from billing.counters import PENDING_INVITATIONS
from billing.entitlements import entitlements
from billing.models import NoticeKind, SeatChange
from billing.seats import ledger, limits
from billing.subscriptions import subscriptions
from identity import signals
from identity.models import Invitation, InvitationStatus, Member, MissingAdmin
from kit import jobs
from tenancy.models import Organization
from tenancy.signals import (
    organization_deleted,
    organization_restored,
    organization_suspended,
)

Reason: Final = SeatChange.Reason


@receiver(signals.member_added)
def note_added(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a member became active."""
    _record_change(organization, Reason.MEMBER_ADDED, member)


@receiver(signals.member_removed)
def note_removed(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a member was removed."""
    _record_change(organization, Reason.MEMBER_REMOVED, member)


@receiver(signals.member_reactivated)
def note_reactivated(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a member came back."""
    _record_change(organization, Reason.MEMBER_REACTIVATED, member)


@receiver(signals.member_suspended)
def note_suspended(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a member was suspended."""
    _record_change(organization, Reason.MEMBER_SUSPENDED, member)


@receiver(signals.member_restored)
def note_restored(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a suspended member was restored."""
    _record_change(organization, Reason.MEMBER_RESTORED, member)


@receiver(signals.member_role_changed)
def note_role(*, organization: Organization, member: Member, **_: object) -> None:
    """Record the seat change after a role changed, which may begin or end a paid seat."""
    _record_change(organization, Reason.MEMBER_ROLE_CHANGED, member)


@receiver(signals.invitation_created)
def note_invited(*, organization: Organization, invitation: Invitation, **_: object) -> None:
    """Record the reservation of a seat."""
    _record_change(organization, Reason.INVITATION_CREATED, invitation)


@receiver(signals.invitation_closed)
def note_closed(*, organization: Organization, invitation: Invitation, **_: object) -> None:
    """Record the end of a reservation, unless the invited person became a member."""
    if invitation.status != InvitationStatus.ACCEPTED:
        _record_change(organization, Reason.INVITATION_CLOSED, invitation)


@receiver(signals.admin_lost)
def mail_lost_admin(*, missing_admin: MissingAdmin, **_: object) -> None:
    """Mail the owner of record and staff that no admin is left."""
    jobs.defer_job(
        "billing.send_notice", kind=NoticeKind.ADMIN_LOST, subject_id=str(missing_admin.pk)
    )


@receiver(organization_suspended)
def mail_suspension(*, organization: Organization, **_: object) -> None:
    """Mail the admins why the organization was suspended."""
    _defer_state_notice(organization, NoticeKind.ORGANIZATION_SUSPENDED)


@receiver(organization_restored)
def mail_restoration(*, organization: Organization, **_: object) -> None:
    """Mail the admins that the organization was restored."""
    _defer_state_notice(organization, NoticeKind.ORGANIZATION_RESTORED)


@receiver(organization_deleted)
def schedule_ends(*, organization: Organization, **_: object) -> None:
    """Schedule the end of the subscriptions of a deleted organization."""
    subscriptions.defer_end(organization.pk)


@receiver(signals.seat_wanted)
def check_room(
    *,
    organization: Organization,
    role: str,
    before: str = "",
    reason: str = "",
    expected_seats: int | None = None,
    **_: object,
) -> None:
    """Refuse a seat beyond the maximum, and an invitation beyond the limit of pending ones.

    Nothing has been sent to the directory yet.
    """
    if reason == "invitation":
        entitlements.require_limit(organization, PENDING_INVITATIONS)
    limits.require_room(
        organization=organization, role=role, before=before, expected_seats=expected_seats
    )


@receiver(signals.seats_expected)
def check_expected_seats(
    *, organization: Organization, roles: Sequence[str], expected_seats: int, **_: object
) -> None:
    """Refuse several invitations whose seats are not what the inviter was shown."""
    limits.require_expected(organization=organization, roles=roles, expected_seats=expected_seats)


def _record_change(
    organization: Organization, reason: SeatChange.Reason, subject: Member | Invitation
) -> None:
    ledger.record_change(organization=organization, reason=reason, subject_id=subject.pk)


def _defer_state_notice(organization: Organization, kind: NoticeKind) -> None:
    jobs.defer_job("billing.send_notice", kind=kind, subject_id=str(organization.pk))
