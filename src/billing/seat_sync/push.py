"""Send the seat count to the provider, with at most one attempt per organization in flight.

count ≠ quantity ─▶ begin ─▶ IN_FLIGHT ─▶ call the provider, with no transaction open
                                ▲            │ accepted ──────────────▶ SUCCEEDED   recount
                                │            │ refused ───────────────▶ FAILED      recount if it differs by now
                                │            │ no longer the count ───▶ SUPERSEDED  recount
                                └── retry ◀──┘ no answer: stays in flight; the retry reads the provider first
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import event_types, providers
from billing.models import SeatAttempt, SeatState
from billing.providers.errors import KeySpent, ProviderRefused, Refusal
from billing.providers.types import ObjectKind, SeatChangeRequest, SubscriptionSnapshot
from billing.seat_rules import Proration, SeatDecision, State
from billing.seat_sync import attempts
from billing.seats import snapshot
from billing.seats.snapshot import SeatSnapshot
from billing.subscriptions import subscriptions
from events.registry import EventType
from kit.outbound import VendorNotFound, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# The last is ten minutes less the time a worker takes to notice: that is what we promise.
RETRY_DELAYS_SECONDS: Final = (10, 30, 120, 300, 570)
MAX_ROUNDS: Final = 5
SETTLE_DELAY: Final = timedelta(seconds=30)
# The wait after a refusal that means "not now" and names no time.
HOLD_DELAY: Final = timedelta(minutes=30)


class Outcome(Enum):
    """What follows after one attempt."""

    SETTLED = auto()  # nothing to send now; a retry is deferred where one is due
    RECOUNT = auto()  # begin again with the present count


def sync_seats(*, organization_id: UUID, is_forced: bool = False) -> None:
    """Bring the provider's quantity to the count, unless another process does.

    `is_forced` sends again what the provider refused before.
    """
    for _ in range(MAX_ROUNDS):
        attempt = attempts.begin_attempt(organization_id, is_forced=is_forced)
        if attempt is None or _execute_attempt(attempt) is Outcome.SETTLED:
            return
    with transaction.atomic():
        tenancy_locks.lock_organization(organization_id)
        snapshot.defer_sync(organization_id)


def defer_overdue_syncs() -> None:
    """Defer a sync for each organization that `list_overdue` returns."""
    for organization_id in list_overdue():
        with transaction.atomic():
            tenancy_locks.lock_organization(organization_id)
            snapshot.defer_sync(organization_id)


def list_overdue() -> set[UUID]:
    """Return the organizations with an attempt whose lease is over, or an unsettled count."""
    silent = SeatAttempt.objects.overdue().values_list("organization_id", flat=True)
    waiting = SeatState.objects.dirty().filter(
        state__in=(State.PENDING, State.DRIFTED), updated_at__lte=timezone.now() - SETTLE_DELAY
    )
    quiet = waiting.exclude(organization__seat_attempts__state=SeatAttempt.State.IN_FLIGHT)
    return {*silent, *quiet.values_list("organization_id", flat=True)}


def _execute_attempt(attempt: SeatAttempt) -> Outcome:
    """Send one attempt, and record how it ended."""
    row = attempt.subscription
    name = providers.get_display_name(row.provider)
    with providers.hold_lock(row.provider, ObjectKind.SUBSCRIPTION, row.external_id):
        try:
            return _send_quantity(attempt)
        except VendorUnavailable as error:
            wait = int(error.headers.get("Retry-After", 0)) if error.outcome_known else 0
            return _reschedule(attempt, f"{name} does not answer.", at_least=wait)
        except KeySpent:
            return _reschedule(attempt, f"{name} has no new answer for this.", next_step=1)
        except ProviderRefused as error:
            if error.refusal is Refusal.NOT_NOW:
                return _hold_quantity(attempt, error)
            if attempt.proration_date is not None:
                return _drop_proration_date(attempt)
            return _record_refusal(attempt, error.code)
        except VendorNotFound as error:
            return _record_refusal(attempt, error.code)


def _send_quantity(attempt: SeatAttempt) -> Outcome:
    provider = providers.get_provider(attempt.subscription.provider)
    if attempt.calls > 1 or attempt.subscription.is_behind:
        # The outcome of an earlier call is unknown, or the provider has renewed, billed or ended
        # it since it was fetched: look before anything is sent.
        seen = provider.fetch_subscription(attempt.subscription.external_id)
        if _read_quantity(attempt, seen) == attempt.quantity:
            return _store_result(attempt, seen)
        if not _is_still_needed(attempt, seen):
            return Outcome.RECOUNT
    elif not _recount_before_sending(attempt):
        return Outcome.RECOUNT
    if _gives_credit(attempt) and not _is_period_paid(attempt):
        _drop_credit(attempt)
    answer = provider.set_seats(
        SeatChangeRequest(
            subscription_id=attempt.subscription.external_id,
            item_id=attempt.subscription.external_item_id,
            quantity=attempt.quantity,
            proration=Proration(attempt.proration),
            proration_date=attempt.proration_date,
        ),
        key=attempt.key,
    )
    return _store_result(attempt, answer)


def _gives_credit(attempt: SeatAttempt) -> bool:
    """Return whether the change would give back money for the rest of the period."""
    is_fewer = attempt.quantity < (attempt.quantity_before or 0)
    return is_fewer and attempt.proration != Proration.SILENT


def _is_period_paid(attempt: SeatAttempt) -> bool:
    row = attempt.subscription
    return providers.is_period_paid(row.provider, row.external_id)


def _drop_credit(attempt: SeatAttempt) -> None:
    """Send fewer seats without a credit in a period that was not paid."""
    attempt.proration = Proration.SILENT
    attempt.proration_date = None
    if attempt.calls > 1:
        attempt.step += 1  # other parameters than those sent before under this key
    attempt.save(update_fields=["proration", "proration_date", "step", "updated_at"])


def _read_quantity(attempt: SeatAttempt, seen: SubscriptionSnapshot) -> int | None:
    item_id = attempt.subscription.external_item_id
    return next((item.quantity for item in seen.items if item.external_id == item_id), None)


def _is_still_needed(attempt: SeatAttempt, seen: SubscriptionSnapshot) -> bool:
    """Return whether to send the same again, and otherwise close the attempt as superseded."""
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return False
        subscriptions.store_locked(organization, attempt.subscription.provider, seen)
        seats = SeatSnapshot.read(organization)
        decision = seats.decide()
        same = (
            _is_for_live_subscription(attempt, seats),
            seats.inputs.next_quantity,
            decision.proration,
        )
        if same == (True, attempt.quantity, attempt.proration):
            return True
        attempts.close_attempt(
            attempt, SeatAttempt.State.SUPERSEDED, returned=_read_quantity(attempt, seen)
        )
    return False


def _recount_before_sending(attempt: SeatAttempt) -> bool:
    """Bring an attempt that was never sent to the present count, and return whether to send it.

    A plan change may have waited for the same lock before. Without the recount, the old plan's quantity
    would be charged, and the new one's again.
    """
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return False
        attempt.refresh_from_db()
        seats = SeatSnapshot.read(organization)
        proration = seats.decide().proration
        if attempt.calls > 1:
            return False  # another process has taken it over meanwhile
        if proration is None or not _is_for_live_subscription(attempt, seats):
            attempts.close_attempt(attempt, SeatAttempt.State.SUPERSEDED)
            return False
        attempts.recount_attempt(attempt, seats, proration)
    return True


def _is_for_live_subscription(attempt: SeatAttempt, seats: SeatSnapshot) -> bool:
    """Return whether the attempt is about the subscription that is live now."""
    return seats.subscription is not None and seats.subscription.pk == attempt.subscription_id


def _store_result(attempt: SeatAttempt, answer: SubscriptionSnapshot) -> Outcome:
    """Store the quantity the provider returned."""
    returned = _read_quantity(attempt, answer)
    if returned != attempt.quantity:
        return _record_refusal(attempt, f"returned_{returned}", answer=answer)
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return Outcome.SETTLED
        subscriptions.store_locked(organization, attempt.subscription.provider, answer)
        attempts.close_attempt(attempt, SeatAttempt.State.SUCCEEDED, returned=returned)
        seats = SeatSnapshot.read(organization)
        seats.row.last_synced_at = timezone.now()
        seats.row.last_error = ""
        seats.row.drifted_since = seats.row.failed_quantity = None
        if (
            attempt.proration != Proration.SILENT
        ):  # else the preview may be of the step that follows
            seats.row.previewed_quantity = seats.row.previewed_at = None
        decision = seats.decide()
        seats.save_state(decision)
        _record_event(attempt, event_types.SEATS_SYNCED)
    return _next_of(decision)


def _reschedule(
    attempt: SeatAttempt, reason: str, *, at_least: int = 0, next_step: int = 0
) -> Outcome:
    """Leave the attempt in flight and defer its next try."""
    wait = timedelta(
        seconds=max(
            RETRY_DELAYS_SECONDS[min(attempt.calls, len(RETRY_DELAYS_SECONDS)) - 1], at_least
        )
    )
    log.warning("seat_sync_postponed", attempt=str(attempt.pk), calls=attempt.calls)
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return Outcome.SETTLED
        attempt.step += next_step
        attempt.error = reason
        attempt.lease_until = timezone.now() + wait * settings.JOB_DELAY_SCALE
        attempt.save(update_fields=["step", "error", "lease_until", "updated_at"])
        SeatState.objects.filter(organization=organization).update(last_error=reason)
        attempts.defer_retry(organization.pk, after=wait)
    return Outcome.SETTLED


def _hold_quantity(attempt: SeatAttempt, error: ProviderRefused) -> Outcome:
    """Close an attempt that the provider will take later, and defer a sync for that time."""
    now = timezone.now()
    retry_at = max(error.retry_at or now + HOLD_DELAY, now)
    log.warning("seat_sync_held", attempt=str(attempt.pk), code=error.code, until=retry_at)
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return Outcome.SETTLED
        attempts.close_attempt(attempt, SeatAttempt.State.SUPERSEDED, error=error.code)
        seats = SeatSnapshot.read(organization)
        seats.row.held_until = retry_at
        seats.save_state(seats.decide())
        # Not shortened where other delays are: the provider has named the time.
        wait = (retry_at - now) / settings.JOB_DELAY_SCALE
        attempts.defer_retry(organization.pk, after=wait)
    return Outcome.SETTLED


def _record_refusal(
    attempt: SeatAttempt, code: str, *, answer: SubscriptionSnapshot | None = None
) -> Outcome:
    """Record the refused quantity, and wait until something changes."""
    log.error("seat_sync_refused", attempt=str(attempt.pk), code=code)
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return Outcome.SETTLED
        if answer is not None:
            subscriptions.store_locked(organization, attempt.subscription.provider, answer)
        attempts.close_attempt(attempt, SeatAttempt.State.FAILED, error=code)
        seats = SeatSnapshot.read(organization)
        if _is_for_live_subscription(attempt, seats):
            seats.row.failed_quantity = attempt.quantity
        decision = seats.decide()
        seats.save_state(decision)
        if decision.state == State.FAILED:
            _store_error(seats, code)
        _record_event(attempt, event_types.SEATS_FAILED)
    return _next_of(decision)


def _drop_proration_date(attempt: SeatAttempt) -> Outcome:
    """Drop the proration date, which may lie in a period that is over, and send again."""
    with _hold_attempt(attempt) as organization:
        if organization is None:
            return Outcome.SETTLED
        attempt.proration_date = None
        attempt.step += 1
        attempt.lease_until = timezone.now()
        attempt.save(update_fields=["proration_date", "step", "lease_until", "updated_at"])
    return Outcome.RECOUNT


def _next_of(decision: SeatDecision) -> Outcome:
    return Outcome.SETTLED if decision.proration is None else Outcome.RECOUNT


def _store_error(seats: SeatSnapshot, code: str) -> None:
    provider = seats.subscription.provider if seats.subscription else ""
    seats.row.last_error = f"{providers.get_display_name(provider)} refused: {code}"
    seats.row.save(update_fields=["last_error", "updated_at"])


def _record_event(attempt: SeatAttempt, type_: EventType) -> None:
    events.record(
        attempt.organization,
        type_,
        attempt.subscription_id,
        changes={"quantity": (attempt.quantity_before, attempt.quantity)},
        details={"proration": attempt.proration, "revision": attempt.revision},
    )


@contextmanager
def _hold_attempt(attempt: SeatAttempt) -> Iterator[Organization | None]:
    """Hold the organization's lock for one transaction, and yield None if the attempt has ended."""
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(attempt.organization_id)
        attempt.refresh_from_db(fields=["state"])
        yield organization if attempt.state == SeatAttempt.State.IN_FLIGHT else None
