"""Bill what is still pending when a subscription ends."""

from sandbox.store import Document
from sandbox.stripe import invoice_collection, lifecycle, prorations
from sandbox.stripe.protocol.ledger import Ledger


def collect_pending_prorations(ledger: Ledger, subscription: Document, *, reason: str) -> Document:
    """Invoice the pending prorations of a subscription and return it with that invoice.

    Prorations of a subscription that ends with its period are collected at the end of the period:
    https://docs.stripe.com/api/subscriptions/cancel. A total below zero becomes credit of the
    customer.
    """
    if not prorations.list_pending_prorations(ledger, subscription["id"]):
        return subscription
    invoice = invoice_collection.create_invoice(ledger, subscription, [], reason=reason)
    method = lifecycle.find_charged_card(ledger, subscription)
    invoice_collection.collect_invoice(ledger, invoice, method=method)
    return subscription | {"latest_invoice": invoice["id"]}
