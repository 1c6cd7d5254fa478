"""The replica of subscriptions, fetched under a lock and stored whole, in any order of events."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing import providers, statuses
from billing.customers import customers
from billing.errors import SubscriptionNotChangeable
from billing.models import (
    Checkout,
    Customer,
    NoticeKind,
    Price,
    ProviderPrice,
    Subscription,
)
from billing.providers.types import ObjectKind, SubscriptionSnapshot
from billing.statuses import ENDED_STATUSES, SeatItem, Status
from billing.subscriptions import records
from billing.subscriptions.records import PreviousState
from kit import jobs
from kit.outbound import VendorNotFound, VendorUnavailable
from tenancy import locks as tenancy_locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)


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
    transaction. A stored one that the provider does not know is marked as missing. Raises
    VendorNotFound for any other.
    """
    with providers.hold_lock(provider, ObjectKind.SUBSCRIPTION, external_id):
        try:
            snapshot = providers.get_provider(provider).fetch_subscription(external_id)
        except VendorNotFound:
            return _mark_missing(provider, external_id)
        return store_snapshot(provider, snapshot)


def pull_live_subscription(organization_id: UUID) -> None:
    """Fetch the live subscription, if there is one and its provider answers."""
    row = Subscription.objects.live().filter(organization_id=organization_id).first()
    if row is None:
        return
    try:
        pull_subscription(row.provider, row.external_id)
    except VendorUnavailable:
        log.warning("subscription_not_fetched", subscription=row.external_id)


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
    row.paid_seats = records.compute_paid_seats(row, before)
    row.is_surplus = not row.has_ended and _list_other_live(organization.pk, row).exists()
    row.save()
    if not row.has_ended:  # a customer deleted at the provider takes its subscriptions along
        customers.link_customer(organization, provider, snapshot.customer_id)
    if before.is_new:
        _store_buyer(row, provider, snapshot)
    _set_current(organization)
    records.record_changes(organization, row, before)
    records.record_seat_effects(organization, row, before, is_own_quantity=is_own_quantity)
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
        row.refresh_from_db(fields=["missing_since"])
        if row.missing_since is None:
            raise SubscriptionNotChangeable(
                "The payment provider still has this subscription. Cancel it there."
            )
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
