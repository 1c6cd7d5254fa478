"""Serve prices with their amount, interval and lookup key."""

from fractions import Fraction
from typing import Any

from sandbox.store import Document
from sandbox.stripe import product_documents
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import (
    blank_to_none,
    build_object_id,
    copy_document,
    merge_stripe_metadata,
)
from sandbox.stripe.protocol.errors import StripeError, build_absent_error, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

MAX_LOOKUP_KEYS = 10  # https://docs.stripe.com/api/prices/list
MAX_INTERVAL_COUNTS = {"day": 3 * 365, "week": 3 * 52, "month": 3 * 12, "year": 3}


def create_price(call: Call) -> Document:
    """Create a price, with its product if that is new too."""
    params = dict(call.params)
    if data := params.pop("product_data", None):
        params["product"] = product_documents.insert_product(call.ledger, data)["id"]
    if "product" not in params:
        raise build_absent_error("product")
    return insert_price(call.ledger, params)


def insert_price(ledger: Ledger, params: dict[str, Any]) -> Document:
    """Insert a price."""
    ledger.get_object("product", params["product"], param="product")
    tiers = [build_price_tier(tier) for tier in params.get("tiers", [])]
    amount = None if tiers else get_decimal(params)
    recurring = params.get("recurring")
    price: Document = {
        "id": build_object_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "tiered" if tiers else "per_unit",
        "created": ledger.now,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": merge_stripe_metadata({}, params.get("metadata")),
        "nickname": blank_to_none(params.get("nickname")),
        "product": params["product"],
        "recurring": recurring and build_recurring(recurring),
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": params.get("tiers_mode"),
        "transform_quantity": params.get("transform_quantity"),
        "type": "recurring" if recurring else "one_time",
        "unit_amount": parse_whole_amount(amount),
        "unit_amount_decimal": amount,
    }
    if tiers:
        ledger.save_private_state(price["id"], tiers=tiers)
    assign_lookup_key(ledger, price, params)
    ledger.add_object(price, event="price.created")
    return price


def build_recurring(given: dict[str, Any]) -> Document:
    """Return the billing interval of a price, which is at most three years."""
    most = MAX_INTERVAL_COUNTS[given["interval"]]
    if not 1 <= given.get("interval_count", 1) <= most:
        raise build_parameter_error(
            f"`interval_count` must be 1 to {most} for the interval `{given['interval']}`.",
            param="recurring[interval_count]",
        )
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count", 1),
        "meter": given.get("meter"),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": given.get("usage_type", "licensed"),
    }


def get_decimal(params: dict[str, Any], name: str = "unit_amount") -> str | None:
    """Return an amount as decimal text, from either form it was sent in."""
    if (amount := params.get(name)) is not None:
        return str(amount)
    return params.get(f"{name}_decimal")


def parse_whole_amount(amount: str | None) -> int | None:
    """Return an amount as an integer, or None if it has a fraction."""
    exact = None if amount is None else Fraction(amount)
    return None if exact is None or exact.denominator != 1 else int(exact)


def build_price_tier(given: dict[str, Any]) -> Document:
    """Return one tier of a tiered price."""
    tier: Document = {"up_to": None if given["up_to"] == "inf" else given["up_to"]}
    for name in ("unit_amount", "flat_amount"):
        amount = get_decimal(given, name)
        tier |= {name: parse_whole_amount(amount), f"{name}_decimal": amount}
    return tier


def assign_lookup_key(ledger: Ledger, price: Document, params: dict[str, Any]) -> None:
    """Assign a lookup key to a price, and move it from another one only if requested."""
    key = blank_to_none(params.get("lookup_key"))
    if key is None:
        price["lookup_key"] = None if "lookup_key" in params else price["lookup_key"]
        return
    for other in ledger.list_objects("price"):
        if other["lookup_key"] != key or other["id"] == price["id"]:
            continue
        if not params.get("transfer_lookup_key"):
            raise StripeError(
                f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key"
            )
        ledger.save_object(other | {"lookup_key": None}, event="price.updated")
    price["lookup_key"] = key


def retrieve_price(call: Call) -> Document:
    """Return a price."""
    return call.ledger.get_object("price", call.path["price"])


def update_price(call: Call) -> Document:
    """Change the mutable fields of a price, which exclude its amount."""
    price = retrieve_price(call)
    refuse_default_archival(call.ledger, price, call.params)
    for name in ("active", "nickname", "tax_behavior"):
        if name in call.params:
            price[name] = blank_to_none(call.params[name])
    price["metadata"] = merge_stripe_metadata(price["metadata"], call.params.get("metadata"))
    assign_lookup_key(call.ledger, price, call.params)
    call.ledger.save_object(price, event="price.updated")
    return price


def refuse_default_archival(ledger: Ledger, price: Document, params: dict[str, Any]) -> None:
    """Refuse to archive the default price of a product.

    That Stripe does so is known from published error reports.
    """
    product = ledger.find_object("product", price["product"]) or {}
    if params.get("active") is False and product.get("default_price") == price["id"]:
        raise StripeError(
            "This price cannot be archived because it is the default price of its product.",
            param="active",
        )


def delete_price(ledger: Ledger, price_id: str) -> Document:
    """Delete a price that no subscription and no payment page has used.

    Only the dashboard can: https://github.com/stripe/stripe-node/issues/916. That it refuses used prices
    is a belief.
    """
    price = ledger.get_object("price", price_id)
    if is_used(ledger, price_id):
        raise StripeError("This price was used and can only be archived.", status=409)
    ledger.remove_object(price, event="price.deleted")
    return {"id": price_id, "object": "price", "deleted": True}


def is_used(ledger: Ledger, price_id: str) -> bool:
    """Return whether a subscription has the price, or a payment page has sold it."""
    subscriptions = ledger.list_objects("subscription")
    sessions = ledger.list_objects("checkout.session")
    return any(
        item["price"]["id"] == price_id
        for subscription in subscriptions
        for item in subscription["items"]["data"]
    ) or any(
        line["price"]["id"] == price_id
        for session in sessions
        for line in ledger.get_private_state(session["id"])["lines"]
    )


def list_prices(call: Call) -> Document:
    """List prices, where inactive ones are included only on request."""
    keys, recurring = call.params.get("lookup_keys"), call.params.get("recurring", {})
    if len(keys or ()) > MAX_LOOKUP_KEYS:
        raise build_parameter_error(
            f"You may pass up to {MAX_LOOKUP_KEYS} lookup keys.", param="lookup_keys"
        )
    found = [
        price
        for price in call.ledger.list_objects("price")
        if is_matching_filters(
            price, {"active": True} | call.params, "active", "product", "currency", "type"
        )
        and (keys is None or price["lookup_key"] in keys)
        and is_matching_filters(price["recurring"] or {}, recurring, *recurring)
        and is_time_within(price["created"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url="/v1/prices")


def get_price_terms(ledger: Ledger, price_id: str, *, param: str) -> Document:
    """Return a recurring price for calculation, tiers included."""
    price = ledger.get_object("price", price_id, param=param)
    if price["type"] != "recurring":
        raise StripeError(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=param,
        )
    return add_tiers(ledger, price)


def add_tiers(ledger: Ledger, price: Document) -> Document:
    """Return a price with its tiers, which the API leaves out by default."""
    return copy_document(price) | {"tiers": ledger.get_private_state(price["id"]).get("tiers", [])}
