"""Prices as providers sell them, and whether they still do."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from billing import providers
from billing.errors import PriceNotAvailable
from billing.models import Price, ProviderPrice
from billing.providers.errors import ProviderRefused, Refusal
from billing.providers.types import PriceSnapshot
from kit import jobs, locks
from kit.errors import Unavailable
from kit.outbound import VendorNotFound, VendorRejected

log = structlog.get_logger(__name__)

# How long a request waits for `sync_catalog` or an event, before it answers 503.
LOCK_WAIT_SECONDS: Final = 4.0


def hold_lock(*, wait_seconds: float | None = None) -> AbstractContextManager[None]:
    """Hold the rows of all provider prices, over a fetch at the provider."""
    return locks.hold_object("billing.catalog", wait_seconds=wait_seconds)


def pull_price(
    provider: str, external_id: str, *, wait_seconds: float | None = None
) -> ProviderPrice | None:
    """Fetch a price and store whether it is still sold, or return None when it is not ours.

    The lock comes first: an answer fetched before it could overwrite a newer one. Not within a
    transaction. Subscriptions at an archived price keep it.
    """
    with hold_lock(wait_seconds=wait_seconds):
        row = ProviderPrice.objects.filter(provider=provider, external_id=external_id).first()
        if row is None:
            return None
        try:
            snapshot = providers.get_provider(provider).fetch_price(external_id)
        except VendorNotFound:
            log.warning("price_missing_at_provider", provider=provider, price=external_id)
            return _store_price(row, None)
        return _store_price(row, snapshot)


def pull_product(provider: str, external_id: str) -> ProviderPrice | None:
    """Pull the current prices of a product, and return one, or None when it is not ours."""
    rows = ProviderPrice.objects.filter(
        provider=provider, external_product_id=external_id, is_active=True
    )
    pulled = [pull_price(provider, row.external_id) for row in rows]
    return pulled[0] if pulled else None


def defer_pull(provider: str, external_id: str, *, after: timedelta | None = None) -> None:
    """Defer a fetch of a price."""
    jobs.defer_job("billing.pull_price", after=after, provider=provider, external_id=external_id)


def get_external_id(price: Price, provider: str) -> str:
    """Return what a price is sold as at a provider. Raises PriceNotAvailable."""
    row = price.provider_prices.on_sale().filter(provider=provider).first()
    if row is None:
        raise PriceNotAvailable
    return row.external_id


@contextmanager
def explain_refusal(provider: str, external_id: str) -> Iterator[None]:
    """Raise PriceNotAvailable for a refusal when the provider has archived the price meanwhile.

    The event about it may still be on its way.
    """
    try:
        yield
    except (VendorRejected, VendorNotFound) as error:
        if isinstance(error, ProviderRefused) and error.refusal is not Refusal.OTHER:
            raise
        try:
            row = pull_price(provider, external_id, wait_seconds=LOCK_WAIT_SECONDS)
        except Unavailable:
            raise error from None
        if row is not None and row.archived_at is not None:
            raise PriceNotAvailable from error
        raise


def _store_price(row: ProviderPrice, snapshot: PriceSnapshot | None) -> ProviderPrice:
    """Store a snapshot, or None for a price that the provider does not know."""
    is_sold = snapshot is not None and snapshot.is_sold
    if is_sold != (row.archived_at is None):
        row.archived_at = None if is_sold else timezone.now()
        log.info("price_sale_changed", price=row.external_id, is_sold=is_sold)
    if snapshot is not None:
        row.external_product_id = snapshot.product_id
    row.save(update_fields=["archived_at", "external_product_id", "updated_at"])
    return row
