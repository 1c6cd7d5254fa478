"""The replica of subscriptions: fetched under a lock, written whole, in whatever order told."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import event_types, providers, statuses
from billing.customers import customers
from billing.models import Price, SeatAttempt, SeatChange, SeatState, Subscription
from billing.providers.types import SubscriptionSnapshot
from billing.seats import ledger
from billing.statuses import ENDED, SeatItem, Status
from events.registry import EventType
from kit import jobs, locks
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# What an event tells about a change; the rest (periods, pulled_at) changes without news.
TOLD: Final = ("status", "stripe_price_id", "cancel_at_period_end", "cancel_at", "seat_item")


@dataclass(frozen=True, slots=True)
class Before:
    """What we knew of a subscription; blank for one we never met."""

    is_new: bool
    has_ended: bool
    quantity: int | None
    told: dict[str, Any]

    @classmethod
    def of(cls, row: Subscription) -> "Before":
        """The row as it is in memory, before it follows a snapshot."""
        is_new = row._state.adding  # noqa: SLF001 - Django's documented way to ask
        told = {} if is_new else {name: getattr(row, name) for name in TOLD}
        return cls(is_new, row.has_ended, row.quantity, told)


def pull(external_id: str) -> Subscription | None:
    """Fetch it again under its lock and write what Stripe says; None when it is nobody's.

    Fetched before locked, an older answer could overwrite a newer one. Not within a transaction.
    """
    with locks.object(f"stripe:{external_id}"):
        snapshot = providers.current().fetch_subscription(external_id)
        return follow(snapshot)


def follow(snapshot: SubscriptionSnapshot) -> Subscription | None:
    """Write a snapshot that was fetched under the subscription's lock, which is still held.

    One without a price of ours is ignored: the same customer may buy other things of the account.
    """
    if not is_ours(snapshot):
        log.info("foreign_subscription_ignored", subscription=snapshot.external_id)
        return None
    organization_id = _owner(snapshot)
    if organization_id is None:
        log.warning("subscription_of_nobody", subscription=snapshot.external_id)
        return None
    _refresh_rivals(organization_id, snapshot)
    with transaction.atomic():
        return write(tenancy_locks.organization(organization_id), snapshot)


def write(organization: Organization, snapshot: SubscriptionSnapshot) -> Subscription:
    """Make the row equal to the snapshot, in the running transaction; the caller holds the lock.

    Repeating it changes nothing and tells nothing.
    """
    row = Subscription.objects.filter(external_id=snapshot.external_id).first()
    row = row or Subscription(organization=organization, external_id=snapshot.external_id)
    before = Before.of(row)
    _copy(row, snapshot)
    row.is_surplus = not row.has_ended and _rivals(organization.pk, row.external_id).exists()
    row.save()
    if not row.has_ended:  # a customer deleted at Stripe takes its subscriptions along
        customers.link(organization, snapshot.customer_id)
    _elect(organization)
    _tell(organization, row, before)
    _follow_seats(organization, row, before)
    if organization.is_deleted and not row.has_ended:
        defer_end(organization.pk)
    if row.has_ended and not before.has_ended:
        _follow_surplus(organization)
    return row


def find_current(organization: Organization) -> Subscription | None:
    """Return the live subscription, or the last that was."""
    found = Subscription.objects.filter(current_for_id=organization.pk)
    return found.select_related("price__plan").first()


def is_ours(snapshot: SubscriptionSnapshot) -> bool:
    """Return whether we know the subscription, or it has at least one price of our catalogue."""
    known = Subscription.objects.filter(external_id=snapshot.external_id)
    return sells_ours(item.price_id for item in snapshot.items) or known.exists()


def sells_ours(price_ids: Iterable[str]) -> bool:
    """Return whether one of these prices at Stripe is one of ours, archived ones included."""
    return Price.objects.filter(stripe_price_id__in=list(price_ids)).exists()


def defer_end(organization_id: UUID) -> None:
    """Store the end of all that a deleted organization pays for, in the running transaction."""
    jobs.defer("billing.end_subscriptions", organization_id=str(organization_id))


def _owner(snapshot: SubscriptionSnapshot) -> UUID | None:
    known = Subscription.objects.filter(external_id=snapshot.external_id)
    if found := known.values_list("organization_id", flat=True).first():
        return found
    return customers.find_organization_id(snapshot.customer_id, snapshot.organization_hint)


def _rivals(organization_id: UUID, external_id: str) -> QuerySet[Subscription]:
    live = Subscription.objects.live().filter(organization_id=organization_id)
    return live.exclude(external_id=external_id)


def _refresh_rivals(organization_id: UUID, snapshot: SubscriptionSnapshot) -> None:
    """A new live one usually means that the old one ended, and that we were not told yet."""
    if snapshot.status in ENDED:
        return
    for external_id in _rivals(organization_id, snapshot.external_id).values_list(
        "external_id", flat=True
    ):
        seen = providers.current().fetch_subscription(external_id)
        if seen.status in ENDED:
            with transaction.atomic():
                write(tenancy_locks.organization(organization_id), seen)


def _copy(row: Subscription, snapshot: SubscriptionSnapshot) -> None:
    was_active, now = row.is_active, timezone.now()
    row.status = snapshot.status
    row.is_active = statuses.is_active(snapshot.status, was_active=was_active)
    row.current_period_start = snapshot.period_start
    row.current_period_end = snapshot.period_end
    row.cancel_at_period_end = snapshot.cancel_at_period_end
    row.cancel_at = snapshot.cancel_at
    row.trial_end = snapshot.trial_end
    row.started_at = snapshot.started_at
    row.ended_at = snapshot.ended_at
    row.pulled_at = now
    _copy_item(row, snapshot)
    _copy_moments(row, was_active=was_active, now=now)
    if snapshot.status not in Status.values:
        log.error("subscription_status_unknown", status=snapshot.status, id=snapshot.external_id)


def _copy_item(row: Subscription, snapshot: SubscriptionSnapshot) -> None:
    """The seat item is the one with a seat price of ours; never the first, never a guess."""
    seat_prices = {
        price.stripe_price_id: price
        for price in Price.objects.filter(
            usage=Price.Usage.LICENSED,
            stripe_price_id__in=[item.price_id for item in snapshot.items],
        )
    }
    found = [item for item in snapshot.items if item.price_id in seat_prices]
    if len(found) != 1:
        row.seat_item = SeatItem.SEVERAL if found else SeatItem.MISSING
        row.stripe_item_id = ""
        return
    row.seat_item = SeatItem.FOUND
    row.stripe_item_id = found[0].external_id
    row.stripe_price_id = found[0].price_id
    row.price = seat_prices[found[0].price_id]
    row.quantity = found[0].quantity


def _copy_moments(row: Subscription, *, was_active: bool, now: datetime) -> None:
    if row.is_active and (not was_active or row.active_since is None):
        row.active_since, row.inactive_since = now, None
    if not row.is_active and (was_active or row.inactive_since is None):
        row.inactive_since = row.ended_at or now
    if row.status != Status.PAST_DUE:
        row.past_due_since = None
    elif row.past_due_since is None:
        row.past_due_since = now


def _follow_surplus(organization: Organization) -> None:
    """One that was one too many is so no more: from now on its seats are followed."""
    for row in Subscription.objects.filter(organization=organization, is_surplus=True):
        if not row.has_ended:
            jobs.defer("billing.pull_subscription", external_id=row.external_id)


def _elect(organization: Organization) -> None:
    """Let `organization.subscription` be the live one, or else the last that was."""
    rows = Subscription.objects.filter(organization=organization)
    chosen = rows.live().first() or rows.order_by("-started_at", "-created_at")[0]
    rows.exclude(pk=chosen.pk).filter(current_for=organization).update(current_for=None)
    rows.filter(pk=chosen.pk, current_for=None).update(current_for=organization)


def _tell(organization: Organization, row: Subscription, before: Before) -> None:
    told = {name: getattr(row, name) for name in TOLD}
    changes = {
        name: (before.told.get(name), value)
        for name, value in told.items()
        if before.told.get(name) != value
    }
    if not changes:
        return
    if before.is_new:
        type_ = (
            event_types.SUBSCRIPTION_SURPLUS if row.is_surplus else event_types.SUBSCRIPTION_STARTED
        )
    else:
        type_ = (
            event_types.SUBSCRIPTION_ENDED if row.has_ended else event_types.SUBSCRIPTION_CHANGED
        )
    _record(organization, row, type_, changes)
    if row.seat_item != SeatItem.FOUND and "seat_item" in changes and not row.has_ended:
        log.error("seats_misconfigured", organization_id=str(organization.pk), why=row.seat_item)
        _record(organization, row, event_types.SEATS_MISCONFIGURED, {})


def _follow_seats(organization: Organization, row: Subscription, before: Before) -> None:
    """A changed agreement changes the target; a changed quantity that is not ours has drifted."""
    if row.is_surplus:
        return
    if _has_drifted(row, before):
        seats, _ = SeatState.objects.get_or_create(organization=organization)
        seats.drifted_since = seats.drifted_since or timezone.now()
        seats.save()
        ledger.note(
            organization=organization, reason=SeatChange.Reason.QUANTITY_EDITED, subject_id=row.pk
        )
        changes = {"quantity": (before.quantity, row.quantity)}
        _record(organization, row, event_types.SEATS_DRIFTED, changes)
    elif before.is_new or any(before.told[name] != getattr(row, name) for name in TOLD):
        # Whatever Stripe refused before may pass now.
        SeatState.objects.filter(organization=organization).update(failed_quantity=None)
        ledger.note(
            organization=organization,
            reason=SeatChange.Reason.SUBSCRIPTION_CHANGED,
            subject_id=row.pk,
        )


def _has_drifted(row: Subscription, before: Before) -> bool:
    if before.is_new or row.has_ended or before.quantity == row.quantity:
        return False
    if before.told["stripe_price_id"] != row.stripe_price_id:
        return False
    echo = SeatAttempt.objects.in_flight().filter(subscription=row, quantity=row.quantity or 0)
    return not echo.exists()


def _record(
    organization: Organization,
    row: Subscription,
    type_: EventType,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    details = {"status": row.status, "quantity": row.quantity, "price": row.stripe_price_id}
    events.write(organization, type_, row.pk, changes=changes, details=details)
