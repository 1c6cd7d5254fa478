"""Products and prices at Stripe, found by our keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import stripe

from billing.providers.stripe import parse, requests
from billing.providers.stripe.errors import translate_errors
from billing.providers.types import CatalogPlan, CatalogPrice, PublishedPrice
from kit.ids import uuid7
from kit.outbound import VendorNotFound

KEYS_PER_REQUEST: Final = 10  # https://docs.stripe.com/api/prices/list#list_prices-lookup_keys


def publish_plans(
    client: stripe.StripeClient, plans: Sequence[CatalogPlan]
) -> Mapping[str, PublishedPrice]:
    """Create or rename the products, create the prices that are missing, and return all prices."""
    found = _fetch_prices(client, [price.lookup_key for plan in plans for price in plan.prices])
    published = {}
    for plan in plans:
        product_id = build_product_id(plan.key)
        _save_product(client, product_id, plan)
        for price in plan.prices:
            current = found.get(price.lookup_key)
            if current is not None and _is_same(price, product_id, current):
                published[price.lookup_key] = PublishedPrice(
                    external_id=current["id"], product_id=product_id, is_new=False
                )
            else:
                published[price.lookup_key] = _create_price(client, price, product_id)
    return published


def build_product_id(plan_key: str) -> str:
    """Return the id under which a plan is a product at Stripe."""
    return f"tenantry_{plan_key}"


def _fetch_prices(
    client: stripe.StripeClient, lookup_keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the active prices with these lookup keys, as Stripe's JSON."""
    found = {}
    for some in _split(lookup_keys):
        with translate_errors():
            page = client.v1.prices.list({"lookup_keys": some, "limit": 100, "active": True})
        for entry in page.data:
            raw = entry.to_dict()
            found[raw["lookup_key"]] = raw
    return found


def _split(keys: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(keys), KEYS_PER_REQUEST):
        yield list(keys[start : start + KEYS_PER_REQUEST])


def _save_product(client: stripe.StripeClient, product_id: str, plan: CatalogPlan) -> None:
    """Create or rename a product, and sell it again where it was archived."""
    name, description = plan.name, plan.description
    try:
        with translate_errors():
            client.v1.products.update(
                product_id, {"name": name, "description": description, "active": True}
            )
    except VendorNotFound:
        with translate_errors():
            client.v1.products.create({"id": product_id, "name": name, "description": description})


def _is_same(price: CatalogPrice, product_id: str, raw: Mapping[str, Any]) -> bool:
    theirs = (
        raw.get("unit_amount"),
        raw["currency"].lower(),
        (raw.get("recurring") or {}).get("interval"),
        parse.read_reference(raw["product"]),
    )
    return theirs == (price.amount, price.currency, price.interval, product_id)


def _create_price(
    client: stripe.StripeClient, price: CatalogPrice, product_id: str
) -> PublishedPrice:
    """Create a price that takes over its lookup key."""
    # Found by its lookup key if the answer is lost; an error must not be replayed for a day.
    with translate_errors():
        created = client.v1.prices.create(
            requests.build_price(price, product_id), {"idempotency_key": f"price:{uuid7()}"}
        )
    return PublishedPrice(external_id=created.id, product_id=product_id, is_new=True)
