"""The replica of subscriptions, fetched under a lock and stored whole, in any order of events."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import event_types, providers, seat_rules, statuses
from billing.customers import customers
from billing.errors import SubscriptionNotChangeable
from billing.models import (
    Checkout,
    Customer,
    NoticeKind,
    Price,
    ProviderPrice,
    SeatAttempt,
    SeatChange,
    SeatState,
    Subscription,
)
from billing.providers.types import ObjectKind, SubscriptionSnapshot
from billing.seat_rules import Proration
from billing.seats import ledger
from billing.statuses import ENDED_STATUSES, SeatItem, Status
from events.registry import EventType
from kit import jobs
from kit.outbound import VendorNotFound
from tenancy import locks as tenancy_locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# The columns whose change is recorded, by the name that events use.
AUDITED_COLUMNS: Final = {
    "status": "status",
    "price": "price_id",
    "cancel_at_period_end": "cancel_at_period_end",
    "cancel_at": "cancel_at",
    "collection_paused": "is_collection_paused",
    "seat_item": "seat_item",
}


@dataclass(frozen=True, slots=True)
class PreviousState:
    """The state of a row before an update, blank for a new one."""

    is_new: bool
    has_ended: bool
    was_surplus: bool
    quantity: int | None
    external_price_id: str
    period_start: datetime | None
    paid_seats: int | None
    audited: dict[str, Any]

    @classmethod
    def from_row(cls, row: Subscription) -> "PreviousState":
        """Return the state of a row before it is updated."""
        is_new = row._state.adding  # noqa: SLF001 - Django's documented way to ask
        audited = {} if is_new else _read_audited(row)
        return cls(
            is_new=is_new,
            has_ended=row.has_ended,
            was_surplus=row.is_surplus,
            quantity=row.quantity,
            external_price_id=row.external_price_id,
            period_start=row.current_period_start,
            paid_seats=row.paid_seats,
            audited=audited,
        )


def hold_lock(row: Subscription) -> AbstractContextManager[None]:
    """Hold a subscription at its provider, for a request that waits no longer than some seconds."""
    return providers.hold_lock(
        row.provider,
        ObjectKind.SUBSCRIPTION,
        row.external_id,
        wait_seconds=customers.LOCK_WAIT_SECONDS,
    )


def pull_subscription(provider: str, external_id: str) -> Subscription | None:
    """Fetch a subscription under its lock and store it, or return None when it is not ours.

    The lock comes first: an answer fetched before it could overwrite a newer one. Not within a
    transaction.
    A stored one that the provider does not know is marked as missing. Raises VendorNotFound for
    any other.
    """
    with providers.hold_lock(provider, ObjectKind.SUBSCRIPTION, external_id):
        try:
            snapshot = providers.get_provider(provider).fetch_subscription(external_id)
        except VendorNotFound:
            return _mark_missing(provider, external_id)
        return store_snapshot(provider, snapshot)


def defer_pull(provider: str, external_id: str, *, after: timedelta | None = None) -> None:
    """Defer a fetch of a subscription, when an outcome is unknown."""
    jobs.defer_job(
        "billing.pull_subscription", after=after, provider=provider, external_id=external_id
    )


def store_snapshot(provider: str, snapshot: SubscriptionSnapshot) -> Subscription | None:
    """Write a snapshot that was fetched under the subscription's lock, which is still held.

    One without a price of ours is ignored: the same customer may buy other things of the account.
    """
    if not is_ours(provider, snapshot):
        log.info("foreign_subscription_ignored", subscription=snapshot.external_id)
        return None
    organization_id = _find_owner(provider, snapshot)
    if organization_id is None:
        log.warning("subscription_without_organization", subscription=snapshot.external_id)
        return None
    _refresh_other_live(organization_id, provider, snapshot)
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(organization_id)
        return store_locked(organization, provider, snapshot)


def store_locked(
    organization: Organization,
    provider: str,
    snapshot: SubscriptionSnapshot,
    *,
    is_own_quantity: bool = False,
) -> Subscription:
    """Store a snapshot in the running transaction, under the organization's lock.

    Repeating it changes and records nothing. `is_own_quantity` says that the quantity was sent by
    us without an attempt, and is no edit at the provider.
    """
    row = _select_same(provider, snapshot.external_id).first() or Subscription(
        organization=organization, provider=provider, external_id=snapshot.external_id
    )
    before = PreviousState.from_row(row)
    _copy_snapshot(row, snapshot)
    row.paid_seats = _compute_paid_seats(row, before)
    row.is_surplus = not row.has_ended and _list_other_live(organization.pk, row).exists()
    row.save()
    if not row.has_ended:  # a customer deleted at the provider takes its subscriptions along
        customers.link_customer(organization, provider, snapshot.customer_id)
    if before.is_new:
        _store_buyer(row, provider, snapshot)
    _set_current(organization)
    _record_changes(organization, row, before)
    _record_seat_effects(organization, row, before, is_own_quantity=is_own_quantity)
    if organization.is_deleted and not row.has_ended:
        defer_end(organization.pk)
    if row.has_ended and not before.has_ended:
        _pull_surplus(organization)
        jobs.defer_job(
            "billing.send_notice", kind=NoticeKind.SUBSCRIPTION_ENDED, subject_id=str(row.pk)
        )
    return row


def end_missing(row: Subscription) -> Subscription:
    """End a subscription here that the provider does not know any more.

    Raises SubscriptionNotChangeable unless it is marked as missing.
    """
    if row.missing_since is None:
        raise SubscriptionNotChangeable(
            "The payment provider still has this subscription. Cancel it there."
        )
    now = timezone.now()
    snapshot = SubscriptionSnapshot(
        external_id=row.external_id,
        customer_id="",
        organization_hint="",
        status=Status.CANCELED,
        items=(),
        period_start=row.current_period_start,
        period_end=row.current_period_end,
        cancel_at_period_end=row.cancel_at_period_end,
        cancel_at=row.cancel_at,
        trial_end=row.trial_end,
        started_at=row.started_at,
        ended_at=now,
    )
    with transaction.atomic():
        organization = tenancy_locks.lock_organization(row.organization_id)
        return store_locked(organization, row.provider, snapshot)


def find_current(organization: Organization) -> Subscription | None:
    """Return the live subscription, or the last that was."""
    found = Subscription.objects.filter(current_for_id=organization.pk)
    return found.select_related("price__plan").first()


def is_ours(provider: str, snapshot: SubscriptionSnapshot) -> bool:
    """Return whether we know the subscription, or it has at least one price of our catalog."""
    price_ids = [item.price_id for item in snapshot.items]
    return sells_ours(provider, price_ids) or _select_same(provider, snapshot.external_id).exists()


def sells_ours(provider: str, price_ids: Iterable[str]) -> bool:
    """Return whether one of these prices is one of ours, archived ones included."""
    ours = ProviderPrice.objects.filter(provider=provider, external_id__in=list(price_ids))
    return ours.exists()


def list_differing(provider: str, snapshots: Sequence[SubscriptionSnapshot]) -> list[str]:
    """Return the ids of those that differ from our rows, or that we should have and do not.

    Equal rows are marked as pulled, in one statement.
    """
    ids = [snapshot.external_id for snapshot in snapshots]
    rows = {
        row.external_id: row
        for row in Subscription.objects.filter(provider=provider, external_id__in=ids)
    }
    same = [rows[one.external_id].pk for one in snapshots if _is_same(rows, one)]
    Subscription.objects.filter(pk__in=same).update(pulled_at=timezone.now(), missing_since=None)
    price_ids = {item.price_id for snapshot in snapshots for item in snapshot.items}
    ours = set(
        ProviderPrice.objects.filter(provider=provider, external_id__in=price_ids).values_list(
            "external_id", flat=True
        )
    )
    return [
        one.external_id
        for one in snapshots
        if not _is_same(rows, one)
        and (one.external_id in rows or any(item.price_id in ours for item in one.items))
    ]


def _is_same(rows: Mapping[str, Subscription], snapshot: SubscriptionSnapshot) -> bool:
    """Return whether a snapshot brings nothing new to its row."""
    row = rows.get(snapshot.external_id)
    if row is None:
        return False
    items = {item.external_id: (item.price_id, item.quantity) for item in snapshot.items}
    ours = (
        row.status,
        row.cancel_at_period_end,
        row.cancel_at,
        row.is_collection_paused,
        row.current_period_end,
        row.trial_end,
    )
    theirs = (
        snapshot.status,
        snapshot.cancel_at_period_end,
        snapshot.cancel_at,
        snapshot.is_collection_paused,
        snapshot.period_end,
        snapshot.trial_end,
    )
    seat_item = (row.external_price_id, row.quantity)
    has_item = row.seat_item == SeatItem.FOUND and len(items) == 1
    return ours == theirs and has_item and items.get(row.external_item_id) == seat_item


def defer_end(organization_id: UUID) -> None:
    """Defer the job that ends a deleted organization's subscriptions."""
    jobs.defer_job("billing.end_subscriptions", organization_id=str(organization_id))


def _mark_missing(provider: str, external_id: str) -> Subscription:
    """Mark a stored subscription that the provider does not know. Raises VendorNotFound for others.

    It is not ended here: with a wrong API key, that would end every subscription.
    """
    row = _select_same(provider, external_id).first()
    if row is None:
        raise VendorNotFound(provider)
    if not row.has_ended and row.missing_since is None:
        row.missing_since = timezone.now()
        row.save(update_fields=["missing_since", "updated_at"])
    log.error("subscription_missing_at_provider", provider=provider, subscription=external_id)
    return row


def _read_audited(row: Subscription) -> dict[str, Any]:
    return {name: getattr(row, column) for name, column in AUDITED_COLUMNS.items()}


def _select_same(provider: str, external_id: str) -> QuerySet[Subscription]:
    return Subscription.objects.filter(provider=provider, external_id=external_id)


def _find_owner(provider: str, snapshot: SubscriptionSnapshot) -> UUID | None:
    """Return the organization of our row, of the checkout that was paid, or of the customer."""
    known = _select_same(provider, snapshot.external_id)
    if found := known.values_list("organization_id", flat=True).first():
        return found
    if page := _find_checkout(provider, snapshot):
        return page.organization_id
    return customers.find_organization_id(
        provider, snapshot.customer_id, snapshot.organization_hint
    )


def _find_checkout(provider: str, snapshot: SubscriptionSnapshot) -> Checkout | None:
    """Return the checkout that the snapshot names, if it is one of this provider's."""
    try:
        checkout_id = UUID(snapshot.checkout_hint)
    except ValueError:
        return None
    return Checkout.objects.filter(pk=checkout_id, provider=provider).first()


def _store_buyer(row: Subscription, provider: str, snapshot: SubscriptionSnapshot) -> None:
    """Store who opened the page that was paid, as the first to be told about payments."""
    page = _find_checkout(provider, snapshot)
    if page is not None and page.opened_by_id and page.organization_id == row.organization_id:
        Customer.objects.filter(organization_id=row.organization_id).update(
            bought_by=page.opened_by_id
        )


def _list_other_live(organization_id: UUID, row: Subscription) -> QuerySet[Subscription]:
    live = Subscription.objects.live().filter(organization_id=organization_id)
    return live.exclude(provider=row.provider, external_id=row.external_id)


def _refresh_other_live(
    organization_id: UUID, provider: str, snapshot: SubscriptionSnapshot
) -> None:
    """Fetch the other live subscriptions, because a new one usually means that the old one ended."""
    if snapshot.status in ENDED_STATUSES:
        return
    new = Subscription(provider=provider, external_id=snapshot.external_id)
    for other in _list_other_live(organization_id, new):
        try:
            seen = providers.get_provider(other.provider).fetch_subscription(other.external_id)
        except VendorNotFound:  # it must not keep the new one out
            _mark_missing(other.provider, other.external_id)
            continue
        if seen.status in ENDED_STATUSES:
            with transaction.atomic():
                store_locked(tenancy_locks.lock_organization(organization_id), other.provider, seen)


def _copy_snapshot(row: Subscription, snapshot: SubscriptionSnapshot) -> None:
    was_active, now = row.is_active, timezone.now()
    row.status = snapshot.status
    row.is_active = statuses.is_active(snapshot.status, was_active=was_active)
    row.current_period_start = snapshot.period_start
    row.current_period_end = snapshot.period_end
    row.cancel_at_period_end = snapshot.cancel_at_period_end
    row.cancel_at = snapshot.cancel_at
    row.is_collection_paused = snapshot.is_collection_paused
    row.trial_end = snapshot.trial_end
    row.started_at = snapshot.started_at
    row.ended_at = snapshot.ended_at
    row.pulled_at, row.missing_since = now, None
    _copy_item(row, snapshot)
    _copy_moments(row, was_active=was_active, now=now)
    if snapshot.status not in Status.values:
        log.error("subscription_status_unknown", status=snapshot.status, id=snapshot.external_id)


def _copy_item(row: Subscription, snapshot: SubscriptionSnapshot) -> None:
    """Store the seat item, found by our seat prices and never by its position."""
    seat_prices = {
        known.external_id: known.price
        for known in ProviderPrice.objects.select_related("price").filter(
            provider=row.provider,
            external_id__in=[item.price_id for item in snapshot.items],
            price__usage=Price.Usage.LICENSED,
        )
    }
    found = [item for item in snapshot.items if item.price_id in seat_prices]
    if len(found) != 1:
        row.seat_item = SeatItem.SEVERAL if found else SeatItem.MISSING
        row.external_item_id = ""
        return
    row.seat_item = SeatItem.FOUND
    row.external_item_id = found[0].external_id
    row.external_price_id = found[0].price_id
    row.price = seat_prices[found[0].price_id]
    row.quantity = found[0].quantity


def _copy_moments(row: Subscription, *, was_active: bool, now: datetime) -> None:
    if row.is_active and (not was_active or row.active_since is None):
        row.active_since, row.inactive_since = now, None
    if not row.is_active and (was_active or row.inactive_since is None):
        row.inactive_since = row.ended_at or now
    if row.status == Status.PAST_DUE:
        row.past_due_since = row.past_due_since or now
    elif row.status in Status.values:  # an unknown status changes no access
        row.past_due_since = None


def _pull_surplus(organization: Organization) -> None:
    """Defer a fetch of surplus subscriptions, one of which replaces the live one that ended."""
    for row in Subscription.objects.filter(organization=organization, is_surplus=True):
        if not row.has_ended:
            defer_pull(row.provider, row.external_id)


def _set_current(organization: Organization) -> None:
    """Let `organization.subscription` be the live one, or else the last that was."""
    rows = Subscription.objects.filter(organization=organization)
    chosen = rows.live().first() or rows.order_by("-started_at", "-created_at")[0]
    rows.exclude(pk=chosen.pk).filter(current_for=organization).update(current_for=None)
    rows.filter(pk=chosen.pk, current_for=None).update(current_for=organization)


def _record_changes(organization: Organization, row: Subscription, before: PreviousState) -> None:
    changes = {
        name: (before.audited.get(name), value)
        for name, value in _read_audited(row).items()
        if before.audited.get(name) != value
    }
    replaces_another = before.was_surplus and not row.is_surplus and not row.has_ended
    if not changes and not replaces_another:
        return
    if before.is_new or replaces_another:
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
    organization: Organization,
    row: Subscription,
    before: PreviousState,
    *,
    is_own_quantity: bool,
) -> None:
    """Record a new target or a drifted quantity, also of a surplus one that became the live one."""
    if row.is_surplus:
        return
    if not is_own_quantity and _has_drifted(row, before):
        seats, _ = SeatState.objects.get_or_create(organization=organization)
        seats.drifted_since = seats.drifted_since or timezone.now()
        seats.save()
        ledger.record_change(
            organization=organization, reason=SeatChange.Reason.QUANTITY_EDITED, subject_id=row.pk
        )
        changes = {"quantity": (before.quantity, row.quantity)}
        _record_event(organization, row, event_types.SEATS_DRIFTED, changes)
    elif before.is_new or before.was_surplus or before.audited != _read_audited(row):
        # What the provider refused before may be accepted now.
        SeatState.objects.filter(organization=organization).update(
            failed_quantity=None, held_until=None
        )
        ledger.record_change(
            organization=organization,
            reason=SeatChange.Reason.SUBSCRIPTION_CHANGED,
            subject_id=row.pk,
        )


def _compute_paid_seats(row: Subscription, before: PreviousState) -> int | None:
    """Return the paid seats after an update, set by the quantity in a new period or at another price."""
    is_changed = before.quantity != row.quantity
    attempt = _find_own_change(row) if is_changed and not before.is_new else None
    return seat_rules.compute_paid_seats(
        status=row.status,
        quantity=row.quantity,
        before=before.paid_seats,
        is_new_period=(before.period_start, before.external_price_id)
        != (row.current_period_start, row.external_price_id),
        is_changed=is_changed,
        proration=Proration(attempt.proration) if attempt else None,
    )


def _has_drifted(row: Subscription, before: PreviousState) -> bool:
    if before.is_new or before.was_surplus or row.has_ended or before.quantity == row.quantity:
        return False
    if before.external_price_id != row.external_price_id:
        return False
    return _find_own_change(row) is None


def _find_own_change(row: Subscription) -> SeatAttempt | None:
    """Return the attempt in flight that made the row's quantity."""
    attempts = SeatAttempt.objects.in_flight().filter(subscription=row, quantity=row.quantity or 0)
    return attempts.first()


def _record_event(
    organization: Organization,
    row: Subscription,
    type_: EventType,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    price = row.price.lookup_key if row.price else row.external_price_id
    details = {"status": row.status, "quantity": row.quantity, "price": price}
    events.record(organization, type_, row.pk, changes=changes, details=details)
