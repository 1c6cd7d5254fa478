"""Compare subscriptions of a provider's list with our rows."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from django.utils import timezone

from billing.models import ProviderPrice, Subscription
from billing.providers.types import SubscriptionSnapshot
from billing.statuses import SeatItem


def list_differing(provider: str, snapshots: Sequence[SubscriptionSnapshot]) -> list[str]:
    """Return the ids of those that differ from our rows, or that we should have and do not.

    Equal rows are marked as pulled, in one statement.
    """
    rows = {
        row.external_id: row
        for row in Subscription.objects.filter(
            provider=provider, external_id__in=[one.external_id for one in snapshots]
        )
    }
    our_prices = _select_our_prices(provider, snapshots)
    same, differing = [], []
    for snapshot in snapshots:
        row = rows.get(snapshot.external_id)
        if row is not None and _is_same(row, snapshot, our_prices):
            same.append(row.pk)
        elif row is not None or our_prices.intersection(item.price_id for item in snapshot.items):
            differing.append(snapshot.external_id)
    Subscription.objects.filter(pk__in=same).update(pulled_at=timezone.now(), missing_since=None)
    return differing


def _select_our_prices(provider: str, snapshots: Sequence[SubscriptionSnapshot]) -> set[str]:
    """Return the ids of those prices of the snapshots that our catalog sells or has sold."""
    price_ids = {item.price_id for snapshot in snapshots for item in snapshot.items}
    known = ProviderPrice.objects.filter(provider=provider, external_id__in=price_ids)
    return set(known.values_list("external_id", flat=True))


def _is_same(
    row: Subscription, snapshot: SubscriptionSnapshot, our_prices: AbstractSet[str]
) -> bool:
    """Return whether a snapshot brings nothing new to its row. Items of other prices are ignored."""
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
    items = [
        (item.external_id, item.price_id, item.quantity)
        for item in snapshot.items
        if item.price_id in our_prices
    ]
    seat_item = (row.external_item_id, row.external_price_id, row.quantity)
    return ours == theirs and row.seat_item == SeatItem.FOUND and items == [seat_item]
