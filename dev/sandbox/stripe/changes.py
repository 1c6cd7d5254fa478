"""Changes to a running subscription: quantities, prices, intervals, and what they cost mid-period."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.store import Document
from sandbox.stripe import collecting, invoicing, lifecycle, periods, prices, shapes
from sandbox.stripe.documents import merged
from sandbox.stripe.errors import StripeError, absent, declined, malformed, missing
from sandbox.stripe.ledger import Ledger

MOST = 999_999


@dataclass(frozen=True)
class Change:
    """What is asked of a subscription's items, and how to bill it."""

    entries: list[Document] = field(default_factory=list)
    proration_behavior: str = "create_prorations"
    proration_date: int | None = None
    payment_behavior: str = "allow_incomplete"
    reset: bool = False
    trial_end: Any = None

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Change":
        """Read a change from the parameters of an update, or of its preview."""
        return cls(
            entries=params.get("items", []),
            proration_behavior=params.get("proration_behavior", "create_prorations"),
            proration_date=params.get("proration_date"),
            payment_behavior=params.get("payment_behavior", "allow_incomplete"),
            reset=params.get("billing_cycle_anchor", {}).get("type") == "now",
            trial_end=params.get("trial_end"),
        )

    @property
    def empty(self) -> bool:
        """Nothing about items, trial or cycle is asked."""
        return not (self.entries or self.reset or self.trial_end)


@dataclass(frozen=True)
class Revision:
    """A subscription after a change, before anything is charged."""

    subscription: Document
    prorations: list[Document]
    lines: list[Document]
    bills_now: bool


def apply(ledger: Ledger, subscription: Document, change: Change) -> Document:
    """Change a subscription and charge what is due at once."""
    revision = revise(ledger, subscription, change)
    invoicing.wait(ledger, subscription["id"], revision.prorations)
    ledger.save(revision.subscription, event="customer.subscription.updated")
    waiting = invoicing.pending(ledger, subscription["id"])
    if not revision.bills_now or not (waiting or revision.lines):
        return revision.subscription
    return charge(ledger, subscription, revision, change.payment_behavior)


def revise(ledger: Ledger, subscription: Document, change: Change) -> Revision:
    """Return what a change makes of a subscription; new items are remembered, nothing is saved."""
    at = moment(ledger, subscription, change)
    before = subscription["items"]["data"]
    after = [item for item in planned(ledger, subscription, change.entries) if item]
    if not after:
        raise StripeError("A subscription must have at least one active item.", param="items")
    intervals = {spacing(item) for item in after}
    if len(intervals) > 1:
        raise StripeError("The sandbox keeps one billing interval per subscription.", param="items")
    revised = subscription | {"items": subscription["items"] | {"data": after}}
    trialing = subscription["status"] == "trialing"
    if change.trial_end not in (None, "now"):
        return Revision(retrialed(ledger, revised, change.trial_end), [], [], bills_now=False)
    converts = change.trial_end == "now" and trialing
    resets = change.reset or converts or (spacing(before[0]) not in intervals and not trialing)
    prorations = []
    if not trialing and change.proration_behavior != "none":
        prorations = prorated(ledger, before, after, at=at, resets=resets)
    if not resets:
        bills = change.proration_behavior == "always_invoice" and not trialing
        return Revision(revised, prorations, [], bills_now=bills)
    restarted = restart(revised, ledger.now, ended_trial=converts)
    lines = lifecycle.whole_period(ledger, restarted)
    return Revision(restarted, prorations, lines, bills_now=True)


def moment(ledger: Ledger, subscription: Document, change: Change) -> int:
    """Return the time from which the change counts."""
    if change.proration_date is None:
        return ledger.now
    start, end = shapes.period(subscription)
    if not start <= change.proration_date <= end:
        raise StripeError(
            "Cannot specify a proration date outside of the current billing period.",
            param="proration_date",
        )
    return change.proration_date


def spacing(item: Document) -> tuple[str, int]:
    """Return how far apart an item's invoices are."""
    recurring = item["price"]["recurring"]
    return (recurring["interval"], recurring["interval_count"])


def planned(
    ledger: Ledger, subscription: Document, entries: list[Document]
) -> list[Document | None]:
    """Return the items after the change, None for a deleted one; without an id one is added."""
    items: dict[str, Document | None] = {item["id"]: item for item in subscription["items"]["data"]}
    for index, entry in enumerate(entries):
        param = f"items[{index}]"
        if "quantity" in entry and not 0 <= entry["quantity"] <= MOST:
            raise malformed("Invalid quantity.", param=f"{param}[quantity]")
        id_ = entry.get("id")
        if id_ is None:
            item = added(ledger, subscription, entry, param)
            items[item["id"]] = item
            continue
        current = items.get(id_)
        if current is None:
            raise missing("subscription item", id_, param=f"{param}[id]")
        items[id_] = None if entry.get("deleted") else changed(ledger, current, entry, param)
    used = [item["price"]["id"] for item in items.values() if item]
    if len(used) > len(set(used)):
        raise StripeError(
            "Cannot add multiple subscription items with the same price.", param="items"
        )
    return list(items.values())


def added(ledger: Ledger, subscription: Document, entry: Document, param: str) -> Document:
    """Return a new item in the subscription's current period."""
    price = price_of(ledger, entry, param)
    if price is None:
        raise absent(f"{param}[price]")
    start, end = shapes.period(subscription)
    item = lifecycle.fresh_item(ledger, subscription["id"], price, entry)
    ledger.remember(item["id"], subscription=subscription["id"])
    return item | {"current_period_start": start, "current_period_end": end}


def changed(ledger: Ledger, item: Document, entry: Document, param: str) -> Document:
    """Return an item with another quantity or price; a new price starts again at one."""
    price = price_of(ledger, entry, param)
    result = item
    if price and price["id"] != item["price"]["id"]:
        result = shapes.priced(item, price) | ({"quantity": 1} if "quantity" in item else {})
    if "quantity" in entry:
        if "quantity" not in item:
            raise malformed("Metered prices have no quantity.", param=f"{param}[quantity]")
        result = result | {"quantity": entry["quantity"]}
    return result | {"metadata": merged(item["metadata"], entry.get("metadata"))}


def price_of(ledger: Ledger, entry: Document, param: str) -> Document | None:
    """Return the price an entry names, or makes."""
    if data := entry.get("price_data"):
        return prices.with_tiers(ledger, prices.insert(ledger, data))
    name = "price" if "price" in entry else "plan"
    if name not in entry:
        return None
    return prices.sold(ledger, entry[name], param=f"{param}[{name}]")


def prorated(
    ledger: Ledger, before: list[Document], after: list[Document], *, at: int, resets: bool
) -> list[Document]:
    """Return credits for what is no longer used and debits for what is, item by item."""
    old = {item["id"]: item for item in before}
    new = {item["id"]: item for item in after}
    entries: list[Document] = []
    for id_ in old | new:
        was, is_ = old.get(id_), new.get(id_)
        if not resets and was and is_ and billed(was) == billed(is_):
            continue
        if was and "quantity" in was:
            entries.append(proration(ledger, was, at=at, sign=-1))
        if is_ and "quantity" in is_ and not resets:
            entries.append(proration(ledger, is_, at=at, sign=+1))
    return entries


def billed(item: Document) -> tuple[str, int | None]:
    """Return what an item's amount depends on."""
    return (item["price"]["id"], item.get("quantity"))


def proration(ledger: Ledger, item: Document, *, at: int, sign: int) -> Document:
    """Return one proration of an item at its price as it is now."""
    price = prices.with_tiers(ledger, ledger.get("price", item["price"]["id"]))
    return invoicing.proration(ledger, item, price, at=at, sign=sign)


def restart(subscription: Document, at: int, *, ended_trial: bool) -> Document:
    """Return the subscription with a new cycle that begins at a moment."""
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    anchored = subscription | {"billing_cycle_anchor": at}
    if ended_trial:
        anchored |= {"status": "active", "trial_end": at}
    return shapes.with_period(anchored, at, periods.boundary(at, recurring, 1))


def retrialed(ledger: Ledger, subscription: Document, trial_end: int) -> Document:
    """Return the subscription in a trial that ends at another time."""
    periods.check_trial({"trial_end": trial_end}, now=ledger.now)
    start = subscription["trial_start"] or ledger.now
    trial = {"status": "trialing", "trial_start": start, "trial_end": trial_end}
    return shapes.with_period(
        subscription | trial | {"billing_cycle_anchor": trial_end}, ledger.now, trial_end
    )


def charge(ledger: Ledger, before: Document, revision: Revision, behavior: str) -> Document:
    """Bill a change at once, and do what the caller chose if the payment does not go through."""
    subscription = revision.subscription
    invoice = collecting.bill(ledger, subscription, revision.lines, reason="subscription_update")
    billed_ = subscription | {"latest_invoice": invoice["id"]}
    if behavior == "default_incomplete" and invoice["amount_due"]:
        return stored(ledger, billed_ | {"status": "past_due"})
    method = lifecycle.method_of(ledger, subscription)
    collected = collecting.collect(ledger, invoice, method=method)
    if collected.paid or subscription["collection_method"] == "send_invoice":
        return stored(ledger, billed_)
    if behavior == "error_if_incomplete":
        raise declined()
    if behavior == "pending_if_incomplete":
        return postponed(ledger, before, revision, invoice["id"])
    return stored(ledger, billed_ | {"status": "past_due"})


def stored(ledger: Ledger, subscription: Document) -> Document:
    """Save a subscription and return it."""
    ledger.save(subscription, event="customer.subscription.updated")
    return subscription


def postponed(ledger: Ledger, before: Document, revision: Revision, invoice: str) -> Document:
    """Leave the subscription as it was; the change waits until its invoice is paid."""
    items = revision.subscription["items"]["data"]
    ledger.remember(before["id"], pending_change={"invoice": invoice, "items": items})
    update = {
        "billing_cycle_anchor": None,
        "expires_at": ledger.now + lifecycle.PATIENCE,
        "subscription_items": items,
        "trial_end": None,
        "trial_from_plan": None,
    }
    return stored(ledger, before | {"pending_update": update, "latest_invoice": invoice})
