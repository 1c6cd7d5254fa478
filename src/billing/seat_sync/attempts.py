"""Attempts to send a quantity.

When one begins, who holds it, how it is closed.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from billing.models import SeatAttempt, SeatChange
from billing.seat_rules import Proration
from billing.seats import ledger
from billing.seats.snapshot import SeatSnapshot
from kit import jobs
from tenancy import locks as tenancy_locks

# Longer than a look and a call may take together, so that a held attempt has a living owner.
ATTEMPT_LEASE: Final = timedelta(seconds=60)
# Within a minute, each change waits longer than the one before (1, 3, 9, 15 s): two hundred people
# who join at once cost a handful of calls, and a single one waits for no one.
MIN_PACE: Final = timedelta(seconds=1)
PACE_GROWTH_FACTOR: Final = 3
MAX_PACE: Final = timedelta(seconds=15)
PACE_WINDOW: Final = timedelta(minutes=1)
# A preview older than this no longer sets the date its change is charged from.
PREVIEW_LIFETIME: Final = timedelta(minutes=10)


def begin_attempt(organization_id: UUID, *, is_forced: bool) -> SeatAttempt | None:
    """Return the attempt to execute now, a new one, or one whose lease is over."""
    with transaction.atomic():
        seats = SeatSnapshot.read(tenancy_locks.lock_organization(organization_id))
        if seats.attempt is not None:
            return _take_over(seats.attempt, is_forced=is_forced)
        # An invitation's time is over, or a rule is new: no one has said so yet.
        if seats.count.counted != seats.row.counted:
            ledger.record_change(
                organization=seats.organization, reason=SeatChange.Reason.RECOUNTED
            )
            seats = SeatSnapshot.read(seats.organization)
        if is_forced:
            seats.drop_refusals()
        decision = seats.decide()
        seats.save_state(decision)
        if decision.proration is None or (not is_forced and _is_too_soon(organization_id)):
            return None
        return _create_attempt(seats, decision.proration)


def recount_attempt(attempt: SeatAttempt, seats: SeatSnapshot, proration: Proration) -> None:
    """Update an attempt that was never sent to the present count."""
    terms = _build_terms(seats, proration)
    for name, value in terms.items():
        setattr(attempt, name, value)
    attempt.save(update_fields=[*terms, "updated_at"])


def close_attempt(
    attempt: SeatAttempt,
    state: SeatAttempt.State,
    *,
    returned: int | None = None,
    error: str = "",
) -> None:
    """Write how it ended, in the running transaction."""
    attempt.state = state
    attempt.quantity_returned = returned
    attempt.error = error
    attempt.finished_at = timezone.now()
    attempt.save(update_fields=["state", "quantity_returned", "error", "finished_at", "updated_at"])


def defer_retry(organization_id: UUID, *, after: timedelta) -> None:
    """Defer a later sync, one at most, that delays no other."""
    jobs.defer_job(
        "billing.sync_seats",
        coalesce=f"{organization_id}:retry",
        after=after,
        organization_id=str(organization_id),
    )


def _is_too_soon(organization_id: UUID) -> bool:
    """Return whether to wait for more changes.

    Then a job is deferred for that time.
    """
    now = timezone.now()
    recent = SeatAttempt.objects.filter(
        organization_id=organization_id,
        state=SeatAttempt.State.SUCCEEDED,
        finished_at__gt=now - PACE_WINDOW,
    ).aggregate(times=Count("pk"), last=Max("finished_at"))
    if not recent["times"]:
        return False
    pace = min(MIN_PACE * PACE_GROWTH_FACTOR ** min(recent["times"] - 1, 5), MAX_PACE)
    wait = recent["last"] + pace - now
    if wait <= timedelta(0):
        return False
    # Not shortened where other delays are: it spares the provider.
    defer_retry(organization_id, after=wait / settings.JOB_DELAY_SCALE)
    return True


def _take_over(attempt: SeatAttempt, *, is_forced: bool) -> SeatAttempt | None:
    """Resume an attempt once its lease is over, or when forced while it waits for its next try."""
    now = timezone.now()
    waits = bool(attempt.error)  # an attempt that is running has none yet
    if attempt.lease_until > now and not (is_forced and waits):
        return None
    attempt.calls += 1
    attempt.error = ""
    attempt.lease_until = now + ATTEMPT_LEASE
    attempt.save(update_fields=["calls", "error", "lease_until", "updated_at"])
    return attempt


def _create_attempt(seats: SeatSnapshot, proration: Proration) -> SeatAttempt:
    return SeatAttempt.objects.create(
        organization=seats.organization,
        calls=1,
        lease_until=timezone.now() + ATTEMPT_LEASE,
        **_build_terms(seats, proration),
    )


def _build_terms(seats: SeatSnapshot, proration: Proration) -> dict[str, Any]:
    assert seats.subscription is not None  # noqa: S101 - decided by the rules: no write without one
    return {
        "subscription": seats.subscription,
        "revision": seats.row.revision,
        "quantity_before": seats.subscription.quantity,
        "quantity": seats.inputs.next_quantity,
        "proration": proration,
        "proration_date": _find_preview_date(seats),
    }


def _find_preview_date(seats: SeatSnapshot) -> datetime | None:
    """Return the time for which an admin was shown this very change, if that was just now."""
    row, subscription = seats.row, seats.subscription
    if row.previewed_quantity != seats.inputs.next_quantity or row.previewed_at is None:
        return None
    if timezone.now() - row.previewed_at > PREVIEW_LIFETIME:
        return None
    begins = subscription.current_period_start if subscription else None
    return row.previewed_at if begins is None or row.previewed_at >= begins else None
