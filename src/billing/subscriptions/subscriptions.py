"""The replica of subscriptions, fetched under a lock and stored whole, in any order of events."""

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
from billing.statuses import ENDED_STATUSES, SeatItem, Status
from events.registry import EventType
from kit import jobs, locks
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# What an event tells about a change; the rest (periods, pulled_at) changes without news.
AUDITED_FIELDS: Final = (
    "status",
    "stripe_price_id",
    "cancel_at_period_end",
    "cancel_at",
    "seat_item",
)


@dataclass(frozen=True, slots=True)
class PreviousState:
    """The state of a row before an update, blank for a new one."""

    is_new: bool
    has_ended: bool
    quantity: int | None
    told: dict[str, Any]

    @classmethod
    def of(cls, row: Subscription) -> "PreviousState":
        """Return the state of a row before it is updated."""
        is_new = row._state.adding  # noqa: SLF001 - Django's documented way to ask
        told = {} if is_new else {name: getattr(row, name) for name in AUDITED_FIELDS}
        return cls(is_new, row.has_ended, row.quantity, told)


def pull_subscription(external_id: str) -> Subscription | None:
    """Fetch a subscription under its lock and store it.

    Returns None when it is not ours.

    Fetched before locked, an older answer could overwrite a newer one. Not within a transaction.
    """
    with locks.hold_vendor_object("stripe", external_id):
        snapshot = providers.get_provider().fetch_subscription(external_id)
        return store_snapshot(snapshot)


def store_snapshot(snapshot: SubscriptionSnapshot) -> Subscription | None:
    """Write a snapshot that was fetched under the subscription's lock, which is still held.

    One without a price of ours is ignored: the same customer may buy other things of the account.
    """
    if not has_our_price(snapshot):
        log.info("foreign_subscription_ignored", subscription=snapshot.external_id)
        return None
    organization_id = _find_owner(snapshot)
    if organization_id is None:
        log.warning("subscription_without_organization", subscription=snapshot.external_id)
        return None
    _refresh_other_live(organization_id, snapshot)
    with transaction.atomic():
        return store_locked(tenancy_locks.lock_organization(organization_id), snapshot)


def store_locked(organization: Organization, snapshot: SubscriptionSnapshot) -> Subscription:
    """Store a snapshot in the running transaction, under the organization's lock.

    Repeating it changes nothing and tells nothing.
    """
    row = Subscription.objects.filter(external_id=snapshot.external_id).first()
    row = row or Subscription(organization=organization, external_id=snapshot.external_id)
    before = PreviousState.of(row)
    _copy_snapshot(row, snapshot)
    row.is_surplus = (
        not row.has_ended and _list_other_live(organization.pk, row.external_id).exists()
    )
    row.save()
    if not row.has_ended:  # a customer deleted at Stripe takes its subscriptions along
        customers.link_customer(organization, snapshot.customer_id)
    _set_current(organization)
    _record_changes(organization, row, before)
    _record_seat_effects(organization, row, before)
    if organization.is_deleted and not row.has_ended:
        defer_end(organization.pk)
    if row.has_ended and not before.has_ended:
        _pull_surplus(organization)
    return row


def find_current(organization: Organization) -> Subscription | None:
    """Return the live subscription, or the last that was."""
    found = Subscription.objects.filter(current_for_id=organization.pk)
    return found.select_related("price__plan").first()


def has_our_price(snapshot: SubscriptionSnapshot) -> bool:
    """Return whether we know the subscription, or it has at least one price of our catalog."""
    known = Subscription.objects.filter(external_id=snapshot.external_id)
    return sells_ours(item.price_id for item in snapshot.items) or known.exists()


def sells_ours(price_ids: Iterable[str]) -> bool:
    """Return whether one of these prices at Stripe is one of ours, archived ones included."""
    return Price.objects.filter(stripe_price_id__in=list(price_ids)).exists()


def defer_end(organization_id: UUID) -> None:
    """Store the end of all that a deleted organization pays for, in the running transaction."""
    jobs.defer_job("billing.end_subscriptions", organization_id=str(organization_id))


def _find_owner(snapshot: SubscriptionSnapshot) -> UUID | None:
    known = Subscription.objects.filter(external_id=snapshot.external_id)
    if found := known.values_list("organization_id", flat=True).first():
        return found
    return customers.find_organization_id(snapshot.customer_id, snapshot.organization_hint)


def _list_other_live(organization_id: UUID, external_id: str) -> QuerySet[Subscription]:
    live = Subscription.objects.live().filter(organization_id=organization_id)
    return live.exclude(external_id=external_id)


def _refresh_other_live(organization_id: UUID, snapshot: SubscriptionSnapshot) -> None:
    """Fetch the other live subscriptions.

    A new one usually means that the old one ended.
    """
    if snapshot.status in ENDED_STATUSES:
        return
    for external_id in _list_other_live(organization_id, snapshot.external_id).values_list(
        "external_id", flat=True
    ):
        seen = providers.get_provider().fetch_subscription(external_id)
        if seen.status in ENDED_STATUSES:
            with transaction.atomic():
                store_locked(tenancy_locks.lock_organization(organization_id), seen)


def _copy_snapshot(row: Subscription, snapshot: SubscriptionSnapshot) -> None:
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
    """Store the seat item, found by our seat prices and never by its position."""
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


def _pull_surplus(organization: Organization) -> None:
    """Defer a fetch of surplus subscriptions, which are followed from now on."""
    for row in Subscription.objects.filter(organization=organization, is_surplus=True):
        if not row.has_ended:
            jobs.defer_job("billing.pull_subscription", external_id=row.external_id)


def _set_current(organization: Organization) -> None:
    """Let `organization.subscription` be the live one, or else the last that was."""
    rows = Subscription.objects.filter(organization=organization)
    chosen = rows.live().first() or rows.order_by("-started_at", "-created_at")[0]
    rows.exclude(pk=chosen.pk).filter(current_for=organization).update(current_for=None)
    rows.filter(pk=chosen.pk, current_for=None).update(current_for=organization)


def _record_changes(organization: Organization, row: Subscription, before: PreviousState) -> None:
    told = {name: getattr(row, name) for name in AUDITED_FIELDS}
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
    _record_event(organization, row, type_, changes)
    if row.seat_item != SeatItem.FOUND and "seat_item" in changes and not row.has_ended:
        log.error("seats_misconfigured", organization_id=str(organization.pk), why=row.seat_item)
        _record_event(organization, row, event_types.SEATS_MISCONFIGURED, {})


def _record_seat_effects(
    organization: Organization, row: Subscription, before: PreviousState
) -> None:
    """Record what the update means for seats.

    A new target, or a drifted quantity.
    """
    if row.is_surplus:
        return
    if _has_drifted(row, before):
        seats, _ = SeatState.objects.get_or_create(organization=organization)
        seats.drifted_since = seats.drifted_since or timezone.now()
        seats.save()
        ledger.record_change(
            organization=organization, reason=SeatChange.Reason.QUANTITY_EDITED, subject_id=row.pk
        )
        changes = {"quantity": (before.quantity, row.quantity)}
        _record_event(organization, row, event_types.SEATS_DRIFTED, changes)
    elif before.is_new or any(before.told[name] != getattr(row, name) for name in AUDITED_FIELDS):
        # What Stripe refused before may be accepted now.
        SeatState.objects.filter(organization=organization).update(failed_quantity=None)
        ledger.record_change(
            organization=organization,
            reason=SeatChange.Reason.SUBSCRIPTION_CHANGED,
            subject_id=row.pk,
        )


def _has_drifted(row: Subscription, before: PreviousState) -> bool:
    if before.is_new or row.has_ended or before.quantity == row.quantity:
        return False
    if before.told["stripe_price_id"] != row.stripe_price_id:
        return False
    echo = SeatAttempt.objects.in_flight().filter(subscription=row, quantity=row.quantity or 0)
    return not echo.exists()


def _record_event(
    organization: Organization,
    row: Subscription,
    type_: EventType,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    details = {"status": row.status, "quantity": row.quantity, "price": row.stripe_price_id}
    events.record(organization, type_, row.pk, changes=changes, details=details)
