"""The invoice endpoints, and the payments and items that belong to them."""

from sandbox.store import Document
from sandbox.stripe import collecting, lifecycle
from sandbox.stripe.dispatch import Call
from sandbox.stripe.listing import fits, page, within


def retrieve(call: Call) -> Document:
    """Return an invoice."""
    return call.ledger.get("invoice", call.path["invoice"])


def index(call: Call) -> Document:
    """List invoices of a subscription, of a customer, or all."""
    owner = call.params.get("subscription") or call.params.get("customer")
    every = call.ledger.owned("invoice", owner) if owner else iter(call.ledger.all("invoice"))
    found = [
        invoice
        for invoice in every
        if fits(invoice, call.params, "status", "collection_method", "customer")
        and within(invoice["created"], call.params.get("created"))
        and within(invoice["due_date"] or 0, call.params.get("due_date"))
    ]
    return page(found, call.params, url="/v1/invoices")


def pay(call: Call) -> Document:
    """Try to collect an invoice now; a decline is a 402 and is recorded."""
    ledger, invoice = call.ledger, retrieve(call)
    if call.params.get("paid_out_of_band"):
        invoice = collecting.payable(ledger, invoice)
        invoice = collecting.settle(ledger, invoice, out_of_band=True)
    else:
        invoice = collecting.pay(ledger, invoice, method=method(call, invoice))
    lifecycle.paid(ledger, invoice)
    return invoice


def method(call: Call, invoice: Document) -> str | None:
    """Return the card to charge: the one named, or the subscription's."""
    if given := call.params.get("payment_method"):
        call.ledger.get("payment_method", given, param="payment_method")
        return str(given)
    subscription = invoice["parent"]["subscription_details"]["subscription"]
    return lifecycle.method_of(call.ledger, call.ledger.get("subscription", subscription))


def void(call: Call) -> Document:
    """Take an invoice back."""
    return collecting.void(call.ledger, retrieve(call))


def payments(call: Call) -> Document:
    """List the payments of an invoice, or all."""
    owner = call.params.get("invoice")
    every = (
        call.ledger.owned("invoice_payment", owner)
        if owner
        else iter(call.ledger.all("invoice_payment"))
    )
    found = [payment for payment in every if fits(payment, call.params, "status")]
    return page(found, call.params, url="/v1/invoice_payments")


def items(call: Call) -> Document:
    """List invoice items: what waits for an invoice, and what was on one."""
    owner, pending = call.params.get("customer"), call.params.get("pending")
    every = (
        call.ledger.owned("invoiceitem", owner) if owner else iter(call.ledger.all("invoiceitem"))
    )
    found = [
        item
        for item in every
        if fits(item, call.params, "invoice")
        and (pending is None or (item["invoice"] is None) is pending)
        and within(item["date"], call.params.get("created"))
    ]
    return page(found, call.params, url="/v1/invoiceitems")
