"""Change subscriptions the way a person does in Stripe's dashboard."""

from collections.abc import Callable

from sandbox.control import Kind
from sandbox.store import Document
from sandbox.stripe import (
    changes,
    endings,
    invoice_collection,
    late_payments,
    lifecycle,
    pauses,
    subscriptions,
)
from sandbox.stripe.changes import Change
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger

FIELDS: dict[str, Kind] = {
    "quantity": int,
    "price": str,
    "item": str,
    "proration_behavior": str,
    "cancel_at_period_end": bool,
    "metadata": dict,
    "status": str,
}


def change_in_dashboard(ledger: Ledger, id_: str, fields: Document) -> Document:
    """Apply requested settings, then quantity or price, then the status."""
    subscription = subscriptions.load_subscription(ledger, id_)
    settings: Document = {
        name: fields[name] for name in ("metadata", "cancel_at_period_end") if name in fields
    }
    if settings:
        subscription = lifecycle.apply_settings(ledger, subscription, settings)
        subscription = endings.apply_end_options(ledger, subscription, settings)
        ledger.save_object(subscription, event="customer.subscription.updated")
    entry = {name: fields[name] for name in ("quantity", "price") if name in fields}
    if entry:
        subscriptions.refuse_by_status(subscription, {"items"})
        first = subscription["items"]["data"][0]["id"]
        behavior = fields.get("proration_behavior", "create_prorations")
        change = Change([{"id": fields.get("item", first)} | entry], proration_behavior=behavior)
        subscription = changes.apply_change(ledger, subscription, change)
    if "status" in fields:
        subscription = move_to_status(ledger, subscription, fields["status"])
    return subscription


def move_to_status(ledger: Ledger, subscription: Document, status: str) -> Document:
    """Change a subscription's status with the function that leads to it."""
    if status == subscription["status"]:
        return subscription
    if subscription["status"] in endings.ENDED_STATUSES:
        raise StripeError("A subscription that has ended cannot change its status.")
    change_status = STATUS_CHANGES.get(status)
    if change_status is None:
        raise StripeError(f"The dashboard cannot make a subscription {status}.")
    return change_status(ledger, subscription)


def reactivate_subscription(ledger: Ledger, subscription: Document) -> Document:
    """Resume a paused subscription, or mark what is owed as paid."""
    if subscription["status"] == "paused":
        return pauses.resume_paused(
            ledger, subscription, anchor="unchanged", behavior="resume_on_payment_attempt"
        )
    invoice = ledger.find_object("invoice", subscription["latest_invoice"] or "")
    if invoice and invoice["status"] in ("draft", "open"):
        invoice = invoice_collection.get_payable_invoice(ledger, invoice)
        late_payments.apply_late_payment(
            ledger, invoice_collection.mark_invoice_paid(ledger, invoice)
        )
    else:
        late_payments.recover_subscription(ledger, subscription)
    return ledger.get_object("subscription", subscription["id"])


def build_status_setter(status: str) -> Callable[[Ledger, Document], Document]:
    """Return a function that only sets a status which failed payments would have caused."""

    def change_status(ledger: Ledger, subscription: Document) -> Document:
        marked = subscription | {"status": status}
        ledger.save_object(marked, event="customer.subscription.updated")
        return marked

    return change_status


def cancel_in_dashboard(ledger: Ledger, subscription: Document) -> Document:
    """Cancel a subscription at once."""
    return endings.end_subscription(ledger, subscription, reason="cancellation_requested")


def pause_in_dashboard(ledger: Ledger, subscription: Document) -> Document:
    """Pause a subscription."""
    return pauses.pause_subscription_now(ledger, subscription, reason="pause_requested")


STATUS_CHANGES = {
    "active": reactivate_subscription,
    "past_due": build_status_setter("past_due"),
    "unpaid": build_status_setter("unpaid"),
    "paused": pause_in_dashboard,
    "canceled": cancel_in_dashboard,
}
