"""Build the items of a subscription after a change of quantities and prices."""

from sandbox.store import Document
from sandbox.stripe import lifecycle, price_rules, prices, subscription_documents
from sandbox.stripe.protocol.documents import merge_stripe_metadata
from sandbox.stripe.protocol.errors import (
    StripeError,
    build_absent_error,
    build_missing_error,
    build_parameter_error,
)
from sandbox.stripe.protocol.ledger import Ledger

MAX_QUANTITY = 999_999


def build_items_after(
    ledger: Ledger, subscription: Document, entries: list[Document]
) -> list[Document | None]:
    """Return the items after the change, with None for a deleted one.

    An entry without an id adds an item.
    """
    items: dict[str, Document | None] = {item["id"]: item for item in subscription["items"]["data"]}
    for index, entry in enumerate(entries):
        param = f"items[{index}]"
        if "quantity" in entry and not 0 <= entry["quantity"] <= MAX_QUANTITY:
            raise build_parameter_error("Invalid quantity.", param=f"{param}[quantity]")
        id_ = entry.get("id")
        if id_ is None:
            item = build_added_item(ledger, subscription, entry, param)
            items[item["id"]] = item
            continue
        current = items.get(id_)
        if current is None:
            raise build_missing_error("subscription item", id_, param=f"{param}[id]")
        items[id_] = (
            None if entry.get("deleted") else build_changed_item(ledger, current, entry, param)
        )
    used = [item["price"]["id"] for item in items.values() if item]
    if len(used) > len(set(used)):
        raise StripeError(
            "Cannot add multiple subscription items with the same price.", param="items"
        )
    return list(items.values())


def build_added_item(
    ledger: Ledger, subscription: Document, entry: Document, param: str
) -> Document:
    """Return a new item in the subscription's current period."""
    price = find_entry_price(ledger, entry, param)
    if price is None:
        raise build_absent_error(f"{param}[price]")
    price_rules.require_sellable(ledger, price, param=f"{param}[price]")
    price_rules.require_currency(price, subscription["currency"], param=f"{param}[price]")
    start, end = subscription_documents.get_current_period(subscription)
    item = lifecycle.build_new_item(ledger, subscription["id"], price, entry)
    ledger.save_private_state(item["id"], subscription=subscription["id"])
    return item | {"current_period_start": start, "current_period_end": end}


def build_changed_item(ledger: Ledger, item: Document, entry: Document, param: str) -> Document:
    """Return an item with another quantity or price.

    A new price resets the quantity to one, unless the entry sets it.
    """
    price = find_entry_price(ledger, entry, param)
    result = item
    if price and price["id"] != item["price"]["id"]:
        price_rules.require_sellable(ledger, price, param=f"{param}[price]")
        price_rules.require_currency(price, item["price"]["currency"], param=f"{param}[price]")
        result = subscription_documents.set_item_price(item, price) | (
            {"quantity": 1} if "quantity" in item else {}
        )
    if "quantity" in entry:
        if "quantity" not in item:
            raise build_parameter_error(
                "Metered prices have no quantity.", param=f"{param}[quantity]"
            )
        result = result | {"quantity": entry["quantity"]}
    return result | {"metadata": merge_stripe_metadata(item["metadata"], entry.get("metadata"))}


def find_entry_price(ledger: Ledger, entry: Document, param: str) -> Document | None:
    """Return the price that an entry names or creates, or None."""
    if data := entry.get("price_data"):
        return prices.add_tiers(ledger, prices.insert_price(ledger, data))
    name = "price" if "price" in entry else "plan"
    if name not in entry:
        return None
    return prices.get_price_terms(ledger, entry[name], param=f"{param}[{name}]")
