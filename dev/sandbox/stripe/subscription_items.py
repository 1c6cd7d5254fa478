"""Serve subscription items, each of which is one line of a subscription, usually the seats."""

from sandbox.store import Document
from sandbox.stripe import changes, subscriptions
from sandbox.stripe.changes import Change
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.errors import StripeError, build_missing_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page

URL = "/v1/subscription_items"
ITEM_PARAMETERS = ("price", "plan", "price_data", "quantity", "metadata")


def get_item_subscription(ledger: Ledger, item_id: str) -> Document:
    """Return the subscription that has this item, or had it."""
    owner = ledger.get_private_state(item_id).get("subscription")
    if owner is None:
        raise build_missing_error("subscription_item", item_id)
    return subscriptions.load_subscription(ledger, owner)


def find_subscription_item(subscription: Document, item_id: str) -> Document:
    """Return one item of a subscription."""
    for item in subscription["items"]["data"]:
        if item["id"] == item_id:
            found: Document = item
            return found
    raise build_missing_error("subscription_item", item_id)


def retrieve_subscription_item(call: Call) -> Document:
    """Return one item."""
    return find_subscription_item(
        get_item_subscription(call.ledger, call.path["item"]), call.path["item"]
    )


def update_subscription_item(call: Call) -> Document:
    """Change quantity or price, and return the item as it applies now.

    That may differ from the request while a pending update waits for its payment.
    """
    item_id = call.path["item"]
    subscription = get_item_subscription(call.ledger, item_id)
    find_subscription_item(subscription, item_id)
    changed = apply_item_entry(call, subscription, {"id": item_id})
    return find_subscription_item(changed, item_id)


def create_subscription_item(call: Call) -> Document:
    """Add an item."""
    subscription = subscriptions.load_subscription(call.ledger, call.params["subscription"])
    known = {item["id"] for item in subscription["items"]["data"]}
    changed = apply_item_entry(call, subscription, {})
    fresh = [item for item in changed["items"]["data"] if item["id"] not in known]
    if not fresh:
        raise StripeError("The item waits for its payment.", status=402, kind="card_error")
    item: Document = fresh[0]
    return item


def apply_item_entry(call: Call, subscription: Document, entry: Document) -> Document:
    """Change the subscription by one entry built from the item's parameters."""
    given = {name: call.params[name] for name in ITEM_PARAMETERS if name in call.params}
    subscriptions.refuse_by_status(subscription, {"items"})
    change = Change.from_params({**call.params, "items": [entry | given]})
    return changes.apply_change(call.ledger, subscription, change)


def list_subscription_items(call: Call) -> Document:
    """List the items of a subscription."""
    subscription = subscriptions.load_subscription(call.ledger, call.params["subscription"])
    # Items are kept in the order they were added; a page shows the newest first.
    return build_list_page(subscription["items"]["data"], call.params, url=URL)
