"""The ledger of seats, with a row in the transaction of each change."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import OuterRef, Subquery

from billing.models import SeatAttempt, SeatChange
from billing.seats import snapshot
from billing.seats.snapshot import SeatSnapshot
from kit import actor as actors
from tenancy.models import Organization


def record_change(
    *, organization: Organization, reason: SeatChange.Reason, subject_id: UUID | None = None
) -> SeatChange:
    """Append a change, and defer a sync when the provider must be updated.

    The caller holds the organization's lock, so revisions have no gaps and no two are alike.
    """
    seats = SeatSnapshot.read(organization)
    actor = actors.get_actor()
    before = seats.row.counted
    seats.row.revision += 1
    change = SeatChange.objects.create(
        organization=organization,
        revision=seats.row.revision,
        reason=reason,
        subject_id=subject_id,
        actor_kind=actor.kind,
        actor_id=actor.id,
        counted_before=before,
        counted_after=seats.count.counted,
        reserved_after=seats.count.reserved,
        target=seats.inputs.target,
    )
    seats.row.counted = seats.count.counted
    decision = seats.decide()
    seats.save_state(decision)
    if decision.proration is not None:
        snapshot.defer_sync(organization.pk)
    return change


def attach_attempts(changes: Sequence[SeatChange]) -> None:
    """Set on each row, as `attempt`, what was sent because of it, or None."""
    covering = (
        SeatAttempt.objects.filter(
            organization_id=OuterRef("organization_id"), revision__gte=OuterRef("revision")
        )
        .exclude(state=SeatAttempt.State.SUPERSEDED)
        .order_by("revision", "created_at")
    )
    telling = [change.pk for change in changes if change.is_told]
    found = dict(
        SeatChange.objects.filter(pk__in=telling)
        .annotate(covered_by=Subquery(covering.values("pk")[:1]))
        .values_list("pk", "covered_by")
    )
    attempts = SeatAttempt.objects.in_bulk([pk for pk in found.values() if pk])
    for change in changes:
        change.attempt = attempts.get(found.get(change.pk))
