"""What billing hears of identity: every change of members appends to the ledger."""

from typing import Final

from django.dispatch import receiver

from billing.models import SeatChange
from billing.seats import ledger, report
from billing.subscriptions import subscriptions
from identity import signals
from identity.models import Invitation, InvitationStatus, Member
from tenancy.models import Organization
from tenancy.signals import organization_deleted

Reason: Final = SeatChange.Reason


@receiver(signals.member_added)
def note_added(*, organization: Organization, member: Member, **_: object) -> None:
    """Somebody joined, by whatever road."""
    _note(organization, Reason.MEMBER_ADDED, member)


@receiver(signals.member_removed)
def note_removed(*, organization: Organization, member: Member, **_: object) -> None:
    """Somebody left or was removed."""
    _note(organization, Reason.MEMBER_REMOVED, member)


@receiver(signals.member_reactivated)
def note_reactivated(*, organization: Organization, member: Member, **_: object) -> None:
    """Somebody came back."""
    _note(organization, Reason.MEMBER_REACTIVATED, member)


@receiver(signals.member_role_changed)
def note_role(*, organization: Organization, member: Member, **_: object) -> None:
    """Somebody's role changed; it may have been free before, or be free now."""
    _note(organization, Reason.MEMBER_ROLE_CHANGED, member)


@receiver(signals.invitation_created)
def note_invited(*, organization: Organization, invitation: Invitation, **_: object) -> None:
    """A seat is reserved."""
    _note(organization, Reason.INVITATION_CREATED, invitation)


@receiver(signals.invitation_closed)
def note_closed(*, organization: Organization, invitation: Invitation, **_: object) -> None:
    """A reservation ended unused; an accepted one is told by the member who joins with it."""
    if invitation.status != InvitationStatus.ACCEPTED:
        _note(organization, Reason.INVITATION_CLOSED, invitation)


@receiver(organization_deleted)
def end_subscriptions(*, organization: Organization, **_: object) -> None:
    """Nobody is left to use it, so nobody pays for it."""
    subscriptions.defer_end(organization.pk)


@receiver(signals.seat_wanted)
def require_room(
    *,
    organization: Organization,
    role: str,
    before: str = "",
    expected_seats: int | None = None,
    **_: object,
) -> None:
    """Refuse before anything is asked of Stytch: the reservation is the refusal."""
    report.require_room(
        organization=organization, role=role, before=before, expected_seats=expected_seats
    )


def _note(
    organization: Organization, reason: SeatChange.Reason, subject: Member | Invitation
) -> None:
    ledger.note(organization=organization, reason=reason, subject_id=subject.pk)
