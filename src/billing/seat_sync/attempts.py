"""Attempts: when one may begin, who holds it, how it is closed; at most one is in flight."""

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
from billing.seats.snapshot import Books
from kit import jobs
from tenancy import locks as tenancy_locks

# Longer than a look and a call may take together, so that a held attempt has a living owner.
LEASE: Final = timedelta(seconds=60)
# Within a minute, each change waits longer than the one before (1, 3, 9, 15 s): two hundred people
# who join at once cost a handful of calls, and a single one waits for nobody.
PACE: Final = timedelta(seconds=1)
GROWTH: Final = 3
LONGEST_PACE: Final = timedelta(seconds=15)
PACED_OVER: Final = timedelta(minutes=1)
# A preview older than this no longer sets the date its change is charged from.
PREVIEW_LASTS: Final = timedelta(minutes=10)


def begin(organization_id: UUID, *, is_forced: bool) -> SeatAttempt | None:
    """The attempt to carry out now: a new one, or one whose owner fell silent."""
    with transaction.atomic():
        books = Books.read(tenancy_locks.organization(organization_id))
        if books.attempt is not None:
            return _take_over(books.attempt, is_forced=is_forced)
        # An invitation's time is over, or a rule is new: nobody has said so yet.
        if books.count.counted != books.seats.counted:
            ledger.note(organization=books.organization, reason=SeatChange.Reason.RECOUNTED)
            books = Books.read(books.organization)
        decision = books.decide(is_forced=is_forced)
        books.settle(decision)
        if decision.proration is None or (not is_forced and _is_too_soon(organization_id)):
            return None
        return _create(books, decision.proration)


def recount(attempt: SeatAttempt, books: Books, proration: Proration) -> None:
    """Let it say what is true now; only while nothing was sent under its key."""
    terms = _terms(books, proration)
    for name, value in terms.items():
        setattr(attempt, name, value)
    attempt.save(update_fields=[*terms, "updated_at"])


def close(
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


def try_again(organization_id: UUID, *, after: timedelta) -> None:
    """Store a later sync; at most one waits, and it keeps nobody from syncing at once."""
    jobs.defer(
        "billing.sync_seats",
        coalesce=f"{organization_id}:retry",
        after=after,
        organization_id=str(organization_id),
    )


def _is_too_soon(organization_id: UUID) -> bool:
    """Whether to let some more changes gather first; then a job is deferred for that moment."""
    now = timezone.now()
    recent = SeatAttempt.objects.filter(
        organization_id=organization_id,
        state=SeatAttempt.State.SUCCEEDED,
        finished_at__gt=now - PACED_OVER,
    ).aggregate(times=Count("pk"), last=Max("finished_at"))
    if not recent["times"]:
        return False
    pace = min(PACE * GROWTH ** min(recent["times"] - 1, 5), LONGEST_PACE)
    wait = recent["last"] + pace - now
    if wait <= timedelta(0):
        return False
    # Whole, also where other delays are shortened: it is Stripe that is spared.
    try_again(organization_id, after=wait / settings.JOB_DELAY_SCALE)
    return True


def _take_over(attempt: SeatAttempt, *, is_forced: bool) -> SeatAttempt | None:
    """Resume it once its lease is over; when forced, also one that only waits for its next try."""
    now = timezone.now()
    waits = bool(attempt.error)  # whoever speaks to Stripe has none yet
    if attempt.lease_until > now and not (is_forced and waits):
        return None
    attempt.calls += 1
    attempt.error = ""
    attempt.lease_until = now + LEASE
    attempt.save(update_fields=["calls", "error", "lease_until", "updated_at"])
    return attempt


def _create(books: Books, proration: Proration) -> SeatAttempt:
    return SeatAttempt.objects.create(
        organization=books.organization,
        calls=1,
        lease_until=timezone.now() + LEASE,
        **_terms(books, proration),
    )


def _terms(books: Books, proration: Proration) -> dict[str, Any]:
    assert books.subscription is not None  # noqa: S101 - decided by the rules: no write without one
    return {
        "subscription": books.subscription,
        "revision": books.seats.revision,
        "quantity_before": books.subscription.quantity,
        "quantity": books.situation.target,
        "proration": proration,
        "proration_date": _previewed(books),
    }


def _previewed(books: Books) -> datetime | None:
    """The moment an admin was shown this very change for, if that was just now."""
    seats, agreed = books.seats, books.subscription
    if seats.previewed_quantity != books.situation.target or seats.previewed_at is None:
        return None
    if timezone.now() - seats.previewed_at > PREVIEW_LASTS:
        return None
    begins = agreed.current_period_start if agreed else None
    return seats.previewed_at if begins is None or seats.previewed_at >= begins else None
