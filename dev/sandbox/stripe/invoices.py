"""Serve the invoice endpoints with their payments and items."""

from sandbox.store import Document
from sandbox.stripe import invoice_collection, late_payments, lifecycle
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within


def retrieve_invoice(call: Call) -> Document:
    """Return an invoice."""
    return call.ledger.get_object("invoice", call.path["invoice"])


def list_invoices(call: Call) -> Document:
    """List invoices of a subscription, of a customer, or all."""
    owner = call.params.get("subscription") or call.params.get("customer")
    every = (
        call.ledger.list_owned_objects("invoice", owner)
        if owner
        else iter(call.ledger.list_objects("invoice"))
    )
    found = [
        invoice
        for invoice in every
        if is_matching_filters(invoice, call.params, "status", "collection_method", "customer")
        and is_time_within(invoice["created"], call.params.get("created"))
        and is_time_within(invoice["due_date"] or 0, call.params.get("due_date"))
    ]
    return build_list_page(found, call.params, url="/v1/invoices")


def pay_invoice(call: Call) -> Document:
    """Try to collect an invoice now, and answer a recorded decline with 402."""
    ledger, invoice = call.ledger, retrieve_invoice(call)
    if call.params.get("paid_out_of_band"):
        invoice = invoice_collection.get_payable_invoice(ledger, invoice)
        invoice = invoice_collection.mark_invoice_paid(ledger, invoice, out_of_band=True)
    else:
        invoice = invoice_collection.pay_invoice_now(
            ledger, invoice, method=choose_payment_method(call, invoice)
        )
    late_payments.apply_late_payment(ledger, invoice)
    return invoice


def choose_payment_method(call: Call, invoice: Document) -> str | None:
    """Return the named card, or the subscription's, to charge an invoice to."""
    if given := call.params.get("payment_method"):
        call.ledger.get_object("payment_method", given, param="payment_method")
        return str(given)
    subscription = invoice["parent"]["subscription_details"]["subscription"]
    return lifecycle.find_charged_card(
        call.ledger, call.ledger.get_object("subscription", subscription)
    )


def void_invoice_now(call: Call) -> Document:
    """Void an open invoice."""
    return invoice_collection.void_invoice(call.ledger, retrieve_invoice(call))


def list_invoice_payments(call: Call) -> Document:
    """List the payments of an invoice, or all."""
    owner = call.params.get("invoice")
    every = (
        call.ledger.list_owned_objects("invoice_payment", owner)
        if owner
        else iter(call.ledger.list_objects("invoice_payment"))
    )
    found = [payment for payment in every if is_matching_filters(payment, call.params, "status")]
    return build_list_page(found, call.params, url="/v1/invoice_payments")


def list_invoice_items(call: Call) -> Document:
    """List invoice items, both pending ones and those already invoiced."""
    owner, pending = call.params.get("customer"), call.params.get("pending")
    every = (
        call.ledger.list_owned_objects("invoiceitem", owner)
        if owner
        else iter(call.ledger.list_objects("invoiceitem"))
    )
    found = [
        item
        for item in every
        if is_matching_filters(item, call.params, "invoice")
        and (pending is None or (item["invoice"] is None) is pending)
        and is_time_within(item["date"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url="/v1/invoiceitems")
