"""Telling Stripe: at most one attempt per organization in flight, recounted, never lost.

begin (transaction) ──▶ call Stripe (no transaction) ──▶ finish (transaction) ──▶ recount ──▶ begin …
                              │ no answer
                              ▼
                        postpone: the attempt stays in flight; whoever resumes it looks first
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from billing import event_types, providers
from billing.models import SeatAttempt, SeatState
from billing.providers.errors import KeySpent
from billing.providers.types import SeatChangeRequest, SubscriptionSnapshot
from billing.seat_rules import Proration, State
from billing.seat_sync import attempts
from billing.seats import snapshot
from billing.seats.snapshot import Books
from billing.subscriptions import subscriptions
from events.registry import EventType
from kit import locks
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# The last is ten minutes less the time a worker takes to notice: that is what we promise.
BACKOFF: Final = (10, 30, 120, 300, 570)
MOST_ROUNDS: Final = 5
QUIET: Final = timedelta(seconds=30)


def sync(*, organization_id: UUID, is_forced: bool = False) -> None:
    """Bring Stripe's quantity to the count, unless somebody else is at it.

    `is_forced` sends again what Stripe refused before.
    """
    for _ in range(MOST_ROUNDS):
        attempt = attempts.begin(organization_id, is_forced=is_forced)
        if attempt is None or not _carry_out(attempt):
            return
    with transaction.atomic():
        tenancy_locks.organization(organization_id)
        snapshot.defer_sync(organization_id)


def sweep() -> None:
    """Defer a sync for each organization that `overdue` names."""
    for organization_id in overdue():
        with transaction.atomic():
            tenancy_locks.organization(organization_id)
            snapshot.defer_sync(organization_id)


def overdue() -> set[UUID]:
    """Organizations with an attempt whose owner fell silent, or a count that nobody settled."""
    silent = SeatAttempt.objects.overdue().values_list("organization_id", flat=True)
    waiting = SeatState.objects.dirty().filter(
        state__in=(State.PENDING, State.DRIFTED), updated_at__lte=timezone.now() - QUIET
    )
    quiet = waiting.exclude(organization__seat_attempts__state=SeatAttempt.State.IN_FLIGHT)
    return {*silent, *quiet.values_list("organization_id", flat=True)}


def _carry_out(attempt: SeatAttempt) -> bool:
    """Speak to Stripe; whether the count must be looked at again now."""
    with locks.object(f"stripe:{attempt.subscription.external_id}"):
        try:
            return _speak(attempt)
        except VendorUnavailable as error:
            wait = int(error.headers.get("Retry-After", 0)) if error.outcome_known else 0
            return _postpone(attempt, "Stripe does not answer.", at_least=wait)
        except KeySpent:
            return _postpone(attempt, "Stripe has no new answer for this.", next_step=1)
        except VendorRejected as error:
            if attempt.proration_date is not None:
                return _forget_date(attempt)
            return _fail(attempt, error.code)
        except VendorNotFound as error:
            return _fail(attempt, error.code)


def _speak(attempt: SeatAttempt) -> bool:
    stripe = providers.current()
    if attempt.calls > 1 or attempt.subscription.is_behind:
        # The outcome of an earlier call is unknown, or Stripe has renewed, billed or ended it
        # since we heard of it: look before anything is sent.
        seen = stripe.fetch_subscription(attempt.subscription.external_id)
        if _quantity(attempt, seen) == attempt.quantity:
            return _finish(attempt, seen)
        if not _is_still_wanted(attempt, seen):
            return True
    elif not _is_brought_up_to_date(attempt):
        return True
    if _credits(attempt) and stripe.has_open_invoice(attempt.subscription.external_id):
        _drop_credit(attempt)
    answer = stripe.set_seats(
        SeatChangeRequest(
            subscription_id=attempt.subscription.external_id,
            item_id=attempt.subscription.stripe_item_id,
            quantity=attempt.quantity,
            proration=Proration(attempt.proration),
            proration_date=attempt.proration_date,
        ),
        key=attempt.key,
    )
    return _finish(attempt, answer)


def _credits(attempt: SeatAttempt) -> bool:
    """Return whether the change would give back money for the rest of the period."""
    is_fewer = attempt.quantity < (attempt.quantity_before or 0)
    return is_fewer and attempt.proration != Proration.SILENT


def _drop_credit(attempt: SeatAttempt) -> None:
    """Send fewer seats without a credit while an invoice is open: that time was never paid."""
    attempt.proration = Proration.SILENT
    attempt.proration_date = None
    if attempt.calls > 1:
        attempt.step += 1  # other parameters than those sent before under this key
    attempt.save(update_fields=["proration", "proration_date", "step", "updated_at"])


def _quantity(attempt: SeatAttempt, seen: SubscriptionSnapshot) -> int | None:
    item_id = attempt.subscription.stripe_item_id
    return next((item.quantity for item in seen.items if item.external_id == item_id), None)


def _is_still_wanted(attempt: SeatAttempt, seen: SubscriptionSnapshot) -> bool:
    """Whether to send the same again; otherwise it is superseded, for Stripe has not applied it."""

    def compare(organization: Organization) -> bool:
        subscriptions.write(organization, seen)
        books = Books.read(organization)
        decision = books.decide()
        same = _is_of(attempt, books), books.situation.target, decision.proration
        if same == (True, attempt.quantity, attempt.proration):
            return True
        attempts.close(attempt, SeatAttempt.State.SUPERSEDED, returned=_quantity(attempt, seen))
        return False

    return _locked(attempt, compare)


def _is_brought_up_to_date(attempt: SeatAttempt) -> bool:
    """Whether to send what was never sent yet, as things stand now that its turn has come.

    Whoever spoke to Stripe before may have changed the plan: the old plan's number would be charged,
    and the new one's again.
    """

    def recount(organization: Organization) -> bool:
        attempt.refresh_from_db()
        books = Books.read(organization)
        proration = books.decide().proration
        if attempt.calls > 1:
            return False  # somebody has taken it over while we waited
        if proration is None or not _is_of(attempt, books):
            attempts.close(attempt, SeatAttempt.State.SUPERSEDED)
            return False
        attempts.recount(attempt, books, proration)
        return True

    return _locked(attempt, recount)


def _is_of(attempt: SeatAttempt, books: Books) -> bool:
    """Whether the attempt is about the subscription that is live now, not one that ended since."""
    return books.subscription is not None and books.subscription.pk == attempt.subscription_id


def _finish(attempt: SeatAttempt, answer: SubscriptionSnapshot) -> bool:
    """Keep what Stripe returned, never what was asked for; whether to go on."""
    returned = _quantity(attempt, answer)
    if returned != attempt.quantity:
        return _fail(attempt, f"returned_{returned}", answer=answer)

    def keep(organization: Organization) -> bool:
        subscriptions.write(organization, answer)
        attempts.close(attempt, SeatAttempt.State.SUCCEEDED, returned=returned)
        books = Books.read(organization)
        books.seats.last_synced_at = timezone.now()
        books.seats.last_error = ""
        books.seats.drifted_since = books.seats.failed_quantity = None
        books.seats.previewed_quantity = books.seats.previewed_at = None
        decision = books.decide()
        books.settle(decision)
        _record(attempt, event_types.SEATS_SYNCED)
        return decision.proration is not None

    return _locked(attempt, keep)


def _postpone(attempt: SeatAttempt, reason: str, *, at_least: int = 0, next_step: int = 0) -> bool:
    """Leave it in flight and come back; nobody else sends anything meanwhile."""
    wait = timedelta(seconds=max(BACKOFF[min(attempt.calls, len(BACKOFF)) - 1], at_least))

    def put_off(organization: Organization) -> bool:
        attempt.step += next_step
        attempt.error = reason
        attempt.lease_until = timezone.now() + wait * settings.JOB_DELAY_SCALE
        attempt.save(update_fields=["step", "error", "lease_until", "updated_at"])
        SeatState.objects.filter(organization=organization).update(last_error=reason)
        attempts.try_again(organization.pk, after=wait)
        return False

    log.warning("seat_sync_postponed", attempt=str(attempt.pk), calls=attempt.calls)
    return _locked(attempt, put_off)


def _fail(attempt: SeatAttempt, code: str, *, answer: SubscriptionSnapshot | None = None) -> bool:
    """Stripe said no: remember for what number, and wait until something changes."""

    def give_up(organization: Organization) -> bool:
        if answer is not None:
            subscriptions.write(organization, answer)
        attempts.close(attempt, SeatAttempt.State.FAILED, error=code)
        books = Books.read(organization)
        if _is_of(attempt, books):
            books.seats.failed_quantity = attempt.quantity
        decision = books.decide()
        books.settle(decision)
        if decision.state == State.FAILED:
            _note_error(books.seats, code)
        _record(attempt, event_types.SEATS_FAILED)
        return decision.proration is not None

    log.error("seat_sync_refused", attempt=str(attempt.pk), code=code)
    return _locked(attempt, give_up)


def _forget_date(attempt: SeatAttempt) -> bool:
    """The screen's moment may lie in a period that is over: then charge from now, and at once."""

    def change(_: Organization) -> bool:
        attempt.proration_date = None
        attempt.step += 1
        attempt.lease_until = timezone.now()
        attempt.save(update_fields=["proration_date", "step", "lease_until", "updated_at"])
        return True

    return _locked(attempt, change)


def _note_error(seats: SeatState, code: str) -> None:
    seats.last_error = f"Stripe refused: {code}"
    seats.save(update_fields=["last_error", "updated_at"])


def _record(attempt: SeatAttempt, type_: EventType) -> None:
    events.write(
        attempt.organization,
        type_,
        attempt.subscription_id,
        changes={"quantity": (attempt.quantity_before, attempt.quantity)},
        details={"proration": attempt.proration, "revision": attempt.revision},
    )


def _locked(attempt: SeatAttempt, act: Callable[[Organization], bool]) -> bool:
    """Act in one transaction under the organization's lock, if the attempt is still ours."""
    with transaction.atomic():
        organization = tenancy_locks.organization(attempt.organization_id)
        attempt.refresh_from_db(fields=["state"])
        if attempt.state != SeatAttempt.State.IN_FLIGHT:
            return False
        return act(organization)
