"""Change the quantities, prices and intervals of a running subscription, with prorations."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.store import Document
from sandbox.stripe import (
    invoice_collection,
    item_changes,
    lifecycle,
    periods,
    price_rules,
    prorations,
    subscription_documents,
)
from sandbox.stripe.protocol.errors import (
    StripeError,
)
from sandbox.stripe.protocol.ledger import Ledger

PENDING_UPDATE_FIELDS = """billing_cycle_anchor cancel_at_period_end discount discounts metadata
trial_end trial_from_plan""".split()


@dataclass(frozen=True)
class Change:
    """Hold the requested changes of a subscription's items and how to bill them."""

    entries: list[Document] = field(default_factory=list)
    proration_behavior: str = "create_prorations"
    proration_date: int | None = None
    payment_behavior: str = "allow_incomplete"
    reset: bool = False
    trial_end: Any = None

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> "Change":
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
    def is_empty(self) -> bool:
        """Return whether no change of items, trial or billing cycle is requested."""
        return not (self.entries or self.reset or self.trial_end)


@dataclass(frozen=True)
class Revision:
    """Hold a subscription after a change, before anything is charged."""

    subscription: Document
    entries: list[Document]
    lines: list[Document]
    bills_now: bool


def apply_change(ledger: Ledger, subscription: Document, change: Change) -> Document:
    """Change a subscription and charge what is due at once."""
    revision = revise_subscription(ledger, subscription, change)
    items = subscription["items"]["data"] + revision.subscription["items"]["data"]
    debits = {item["id"]: prorations.list_debits(ledger, item["id"]) for item in items}
    prorations.defer_prorations(ledger, subscription["id"], revision.entries)
    ledger.save_object(revision.subscription, event="customer.subscription.updated")
    waiting = prorations.list_pending_prorations(ledger, subscription["id"])
    if not revision.bills_now or not (waiting or revision.lines):
        return revision.subscription
    charged = charge_change(ledger, subscription, revision, change.payment_behavior)
    if charged["pending_update"]:
        postpone_debits(ledger, subscription["id"], debits)
    return charged


def postpone_debits(
    ledger: Ledger, subscription_id: str, debits: dict[str, list[Document]]
) -> None:
    """Restore the debits from before a change until the change is paid."""
    after = {item_id: prorations.list_debits(ledger, item_id) for item_id in debits}
    pending = ledger.get_private_state(subscription_id)["pending_change"]
    ledger.save_private_state(subscription_id, pending_change=pending | {"debits": after})
    prorations.save_debits(ledger, debits)


def revise_subscription(ledger: Ledger, subscription: Document, change: Change) -> Revision:
    """Return the result of a change without saving the subscription.

    The ledger only records which subscription each new item belongs to.
    """
    at = get_change_time(ledger, subscription, change)
    before = subscription["items"]["data"]
    after = [
        item
        for item in item_changes.build_items_after(ledger, subscription, change.entries)
        if item
    ]
    if not after:
        raise StripeError("A subscription must have at least one active item.", param="items")
    price_rules.require_one_interval([item["price"] for item in after])
    revised = subscription | {"items": subscription["items"] | {"data": after}}
    trialing = subscription["status"] == "trialing"
    if change.trial_end not in (None, "now"):
        return Revision(set_trial_end(ledger, revised, change.trial_end), [], [], bills_now=False)
    converts = change.trial_end == "now" and trialing
    if trialing and not (change.reset or converts):
        return Revision(revised, [], [], bills_now=False)
    if not (change.reset or converts):
        return revise_running_period(ledger, subscription, revised, change)
    restarted = restart_billing_cycle(revised, ledger.now, ended_trial=converts)
    lines = lifecycle.build_period_lines(ledger, restarted)
    if trialing or change.proration_behavior == "none":
        return Revision(restarted, [], lines, bills_now=True)
    entries = prorations.build_prorations(ledger, before, after, at=at, resets=True)
    return Revision(restarted, entries, lines, bills_now=True)


def revise_running_period(
    ledger: Ledger, subscription: Document, revised: Document, change: Change
) -> Revision:
    """Return the result of a change that keeps the billing cycle anchor.

    A change of the interval is billed at once, since the billing period changes:
    https://docs.stripe.com/billing/subscriptions/change-price#immediate-payment.
    """
    at = get_change_time(ledger, subscription, change)
    before = subscription["items"]["data"]
    moves = get_billing_interval(before[0]) != get_billing_interval(revised["items"]["data"][0])
    if moves:
        revised = align_period(revised, at)
    entries = []
    if change.proration_behavior != "none":
        after = revised["items"]["data"]
        entries = prorations.build_prorations(ledger, before, after, at=at, resets=False)
    bills = moves or change.proration_behavior == "always_invoice"
    return Revision(revised, entries, [], bills_now=bills)


def align_period(subscription: Document, at: int) -> Document:
    """Return the subscription in the period of its new interval around the given time.

    Flexible billing mode keeps the billing cycle anchor when the interval changes:
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare. That the period then begins
    where one counted from the anchor begins is a belief.
    """
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    anchor = subscription["billing_cycle_anchor"]
    start, end = periods.find_period_around(at, anchor, recurring)
    return subscription_documents.set_period(subscription, start, end)


def get_change_time(ledger: Ledger, subscription: Document, change: Change) -> int:
    """Return the time from which the change counts."""
    if change.proration_date is None:
        return ledger.now
    start, end = subscription_documents.get_current_period(subscription)
    if not start <= change.proration_date <= end:
        raise StripeError(
            "Cannot specify a proration date outside of the current billing period.",
            param="proration_date",
        )
    return change.proration_date


def get_billing_interval(item: Document) -> tuple[str, int]:
    """Return the billing interval of an item."""
    recurring = item["price"]["recurring"]
    return (recurring["interval"], recurring["interval_count"])


def restart_billing_cycle(subscription: Document, at: int, *, ended_trial: bool) -> Document:
    """Return the subscription with a new billing cycle that begins at the given time."""
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    anchored = subscription | {"billing_cycle_anchor": at}
    if ended_trial:
        anchored |= {"status": "active", "trial_end": at}
    return subscription_documents.set_period(
        anchored, at, periods.get_period_start(at, recurring, 1)
    )


def set_trial_end(ledger: Ledger, subscription: Document, trial_end: int) -> Document:
    """Return the subscription in a trial that ends at another time."""
    periods.check_trial({"trial_end": trial_end}, now=ledger.now)
    # Flexible billing mode gives the start of the most recent trial:
    # https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    running = subscription["status"] == "trialing"
    start = subscription["trial_start"] if running else ledger.now
    trial = {"status": "trialing", "trial_start": start, "trial_end": trial_end}
    return subscription_documents.set_period(
        subscription | trial | {"billing_cycle_anchor": trial_end}, ledger.now, trial_end
    )


def charge_change(ledger: Ledger, before: Document, revision: Revision, behavior: str) -> Document:
    """Bill a change at once and apply the chosen payment behavior if the payment fails."""
    subscription = revision.subscription
    invoice = invoice_collection.create_invoice(
        ledger, subscription, revision.lines, reason="subscription_update"
    )
    billed_ = subscription | {"latest_invoice": invoice["id"]}
    if behavior == "default_incomplete" and invoice["amount_due"]:
        return save_subscription(ledger, billed_ | {"status": "past_due"})
    method = lifecycle.find_charged_card(ledger, subscription)
    collected = invoice_collection.collect_invoice(ledger, invoice, method=method)
    if collected.paid or subscription["collection_method"] == "send_invoice":
        return save_subscription(ledger, billed_)
    if behavior == "error_if_incomplete":
        raise invoice_collection.build_charge_error(
            collected.charge, code=lifecycle.ACTION_REQUIRED_CODE
        )
    if behavior == "pending_if_incomplete":
        return postpone_change(ledger, before, revision, invoice["id"])
    return save_subscription(ledger, billed_ | {"status": "past_due"})


def save_subscription(ledger: Ledger, subscription: Document) -> Document:
    """Save a subscription and return it."""
    ledger.save_object(subscription, event="customer.subscription.updated")
    return subscription


def postpone_change(ledger: Ledger, before: Document, revision: Revision, invoice: str) -> Document:
    """Keep the subscription unchanged and store the change until its invoice is paid."""
    items = revision.subscription["items"]["data"]
    ledger.save_private_state(before["id"], pending_change={"invoice": invoice, "items": items})
    update = dict.fromkeys(PENDING_UPDATE_FIELDS) | {
        "expires_at": ledger.now + lifecycle.PAYMENT_WINDOW_SECONDS,
        "subscription_items": items,
    }
    return save_subscription(ledger, before | {"pending_update": update, "latest_invoice": invoice})
