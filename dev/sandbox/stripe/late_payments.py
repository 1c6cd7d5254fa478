"""Apply payments that arrive after their invoice was due."""

from sandbox.store import Document
from sandbox.stripe import endings, pauses, prorations
from sandbox.stripe.protocol.ledger import Ledger


def apply_late_payment(ledger: Ledger, invoice: Document) -> None:
    """Apply a late payment to its subscription, which may resume, change or become active."""
    parent = (invoice["parent"] or {}).get("subscription_details")
    subscription = ledger.find_object("subscription", parent["subscription"]) if parent else None
    if subscription is None or subscription["status"] in endings.ENDED_STATUSES:
        return
    state = ledger.get_private_state(subscription["id"])
    if state.get("resuming") == invoice["id"]:
        ledger.save_private_state(subscription["id"], resuming=None)
        pauses.save_resumed(ledger, state["resumed"] | {"latest_invoice": invoice["id"]})
    elif (state.get("pending_change") or {}).get("invoice") == invoice["id"]:
        apply_pending_update(ledger, subscription, state["pending_change"])
    elif find_latest_finalized(ledger, subscription["id"]) == invoice["id"]:
        recover_subscription(ledger, subscription)


def find_latest_finalized(ledger: Ledger, subscription_id: str) -> str | None:
    """Return the id of the latest invoice that is no draft, which decides the status.

    https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
    """
    found = None
    for invoice in ledger.list_owned_objects("invoice", subscription_id):
        if invoice["status"] != "draft":
            found = str(invoice["id"])
    return found


def recover_subscription(ledger: Ledger, subscription: Document) -> None:
    """Make a subscription active again after its latest invoice was paid."""
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        active = subscription | {"status": "active"}
        ledger.save_object(active, event="customer.subscription.updated")


def apply_pending_update(ledger: Ledger, subscription: Document, pending: Document) -> None:
    """Apply an update that waited for its payment."""
    ledger.save_private_state(subscription["id"], pending_change=None)
    entries = subscription["items"] | {"data": pending["items"]}
    prorations.save_debits(ledger, pending["debits"])
    applied = subscription | {"items": entries, "pending_update": None}
    ledger.save_object(applied, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.pending_update_applied", applied)
