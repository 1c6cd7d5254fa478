"""Delete test data the way Stripe's dashboard does, without events, so that its ids are unknown."""

from sandbox.store import Document, Store
from sandbox.stripe.protocol.documents import PREFIXES
from sandbox.stripe.protocol.errors import StripeError, build_missing_error
from sandbox.stripe.protocol.ledger import INDEX, STATE, Ledger
from sandbox.world import World

# What is no test data: the account's settings, its webhook endpoints and used idempotency keys.
KEPT_KINDS = frozenset({"stripe.settings", "stripe.webhook_endpoint", "stripe.idempotency"})
DELETABLE_KINDS = ("customer", "subscription", "invoice", "checkout.session", "price", "product")


def delete_all_objects(world: World) -> list[str]:
    """Delete every object of the account and return the kinds that were deleted.

    Which objects the dashboard's button keeps is a belief.
    """
    kinds = [
        kind
        for kind in world.store.list_kinds()
        if kind.startswith("stripe.") and kind not in KEPT_KINDS
    ]
    for kind in kinds:
        for id_ in world.store.list_ids(kind):
            world.store.delete_document(kind, id_)
    return kinds


def delete_object(world: World, id_: str) -> list[str]:
    """Delete one object with everything that belongs to it, and return the ids."""
    kind = find_kind(world.store, id_)
    if kind in ("price", "product") and is_sold(Ledger(world), id_):
        raise StripeError("A subscription has this price; delete the subscription.", status=409)
    return delete_tree(world.store, kind, id_)


def find_kind(store: Store, id_: str) -> str:
    """Return the kind of a stored object, or refuse an unknown id."""
    for kind in DELETABLE_KINDS:
        if store.find_document(f"stripe.{kind}", id_):
            return kind
    raise build_missing_error("object", id_)


def is_sold(ledger: Ledger, id_: str) -> bool:
    """Return whether a subscription has a price, or a price of a product."""
    return any(
        id_ in (item["price"]["id"], item["price"]["product"])
        for subscription in ledger.list_objects("subscription")
        for item in subscription["items"]["data"]
    )


def delete_tree(store: Store, kind: str, id_: str) -> list[str]:
    """Delete an object, its private state, its items and the objects indexed under it."""
    deleted = [id_]
    found: Document = store.find_document(f"stripe.{kind}", id_) or {}
    for item in found.get("items", {}).get("data", []):
        store.delete_document(STATE, item["id"])
    for child_kind in PREFIXES:
        index = store.find_document(INDEX, f"{child_kind}:{id_}") or {"ids": []}
        for child in index["ids"]:
            if store.find_document(f"stripe.{child_kind}", child):
                deleted += delete_tree(store, child_kind, child)
        store.delete_document(INDEX, f"{child_kind}:{id_}")
    store.delete_document(f"stripe.{kind}", id_)
    store.delete_document(STATE, id_)
    return deleted
