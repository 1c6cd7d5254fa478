"""Pause subscriptions and resume them."""

from sandbox.store import Document
from sandbox.stripe import invoice_collection, lifecycle, periods, subscription_documents
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger


def pause_subscription_now(ledger: Ledger, subscription: Document, *, reason: str) -> Document:
    """Pause a subscription, which then gets no invoices and no new periods."""
    paused = subscription | {
        "status": "paused",
        "status_details": {
            "paused": {
                "subscription": {"type": reason},
                "transitioned_at": ledger.now,
                "type": "subscription",
            }
        },
    }
    ledger.save_object(paused, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.paused", paused)
    return paused


def resume_paused(
    ledger: Ledger, subscription: Document, *, anchor: str, behavior: str
) -> Document:
    """Resume a paused subscription, in a new paid cycle or in its old one."""
    if subscription["status"] != "paused":
        raise StripeError("Only paused subscriptions can be resumed.")
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    running = {name: value for name, value in subscription.items() if name != "status_details"}
    running["status"] = "active"
    if anchor == "unchanged":
        until = periods.find_next_period_start(
            ledger.now, subscription["billing_cycle_anchor"], recurring
        )
        return save_resumed(ledger, subscription_documents.set_period(running, ledger.now, until))
    running["billing_cycle_anchor"] = ledger.now
    running = subscription_documents.set_period(
        running, ledger.now, periods.get_period_start(ledger.now, recurring, 1)
    )
    lines = lifecycle.build_period_lines(ledger, running)
    invoice = invoice_collection.create_invoice(
        ledger, running, lines, reason="subscription_update"
    )
    collected = invoice_collection.collect_invoice(
        ledger, invoice, method=lifecycle.find_charged_card(ledger, subscription)
    )
    if collected.paid:
        return save_resumed(ledger, running | {"latest_invoice": invoice["id"]})
    if behavior == "resume_on_payment_attempt":
        return save_resumed(
            ledger, running | {"latest_invoice": invoice["id"], "status": "past_due"}
        )
    ledger.save_private_state(subscription["id"], resuming=invoice["id"], resumed=running)
    waiting = subscription | {"latest_invoice": invoice["id"]}
    ledger.save_object(waiting, event="customer.subscription.updated")
    return waiting


def save_resumed(ledger: Ledger, subscription: Document) -> Document:
    """Save a resumed subscription and record its event."""
    ledger.save_object(subscription, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.resumed", subscription)
    return subscription
