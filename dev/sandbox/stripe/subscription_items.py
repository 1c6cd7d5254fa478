"""The subscription item endpoints: one line of a subscription, usually the seats."""

from sandbox.store import Document
from sandbox.stripe import changes, subscriptions
from sandbox.stripe.changes import Change
from sandbox.stripe.dispatch import Call
from sandbox.stripe.errors import StripeError, missing
from sandbox.stripe.ledger import Ledger
from sandbox.stripe.listing import page

URL = "/v1/subscription_items"
ENTRY = ("price", "plan", "price_data", "quantity", "metadata")


def subscription_of(ledger: Ledger, item_id: str) -> Document:
    """Return the subscription which has this item, or had it."""
    owner = ledger.state(item_id).get("subscription")
    if owner is None:
        raise missing("subscription_item", item_id)
    return subscriptions.load(ledger, owner)


def find(subscription: Document, item_id: str) -> Document:
    """Return one item of a subscription."""
    for item in subscription["items"]["data"]:
        if item["id"] == item_id:
            found: Document = item
            return found
    raise missing("subscription_item", item_id)


def retrieve(call: Call) -> Document:
    """Return one item."""
    return find(subscription_of(call.ledger, call.path["item"]), call.path["item"])


def update(call: Call) -> Document:
    """Change quantity or price; the answer shows what applies, not what was asked."""
    item_id = call.path["item"]
    subscription = subscription_of(call.ledger, item_id)
    find(subscription, item_id)
    changed = applied(call, subscription, {"id": item_id})
    return find(changed, item_id)


def create(call: Call) -> Document:
    """Add an item."""
    subscription = subscriptions.load(call.ledger, call.params["subscription"])
    known = {item["id"] for item in subscription["items"]["data"]}
    changed = applied(call, subscription, {})
    fresh = [item for item in changed["items"]["data"] if item["id"] not in known]
    if not fresh:
        raise StripeError("The item waits for its payment.", status=402, kind="card_error")
    made: Document = fresh[0]
    return made


def applied(call: Call, subscription: Document, entry: Document) -> Document:
    """Change the subscription by one entry made of the item's parameters."""
    given = {name: call.params[name] for name in ENTRY if name in call.params}
    subscriptions.guard(subscription, {"items"})
    change = Change.of({**call.params, "items": [entry | given]})
    return changes.apply(call.ledger, subscription, change)


def index(call: Call) -> Document:
    """List the items of a subscription."""
    subscription = subscriptions.load(call.ledger, call.params["subscription"])
    # Items are kept in the order they were added; a page shows the newest first.
    return page(subscription["items"]["data"], call.params, url=URL)
