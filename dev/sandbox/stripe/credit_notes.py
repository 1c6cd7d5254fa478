"""Serve credit notes, which reduce an open invoice or give back what was paid for one.

https://docs.stripe.com/invoicing/integration/programmatic-credit-notes
"""

from fractions import Fraction
from typing import Any

from sandbox.store import Document
from sandbox.stripe import invoice_collection, money
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import (
    blank_to_none,
    build_list_object,
    build_object_id,
    merge_stripe_metadata,
)
from sandbox.stripe.protocol.errors import StripeError, build_absent_error, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

URL = "/v1/credit_notes"
WAYS_BACK = ("refund_amount", "credit_amount", "out_of_band_amount")


def create_credit_note(call: Call) -> Document:
    """Issue a credit note for an open or a paid invoice."""
    ledger, params = call.ledger, call.params
    invoice = ledger.get_object("invoice", params["invoice"], param="invoice")
    if "amount" not in params:
        raise build_absent_error("amount")
    if invoice["status"] not in ("open", "paid"):
        raise StripeError(
            f"A credit note needs an open or paid invoice. This invoice is {invoice['status']}.",
            param="invoice",
        )
    is_paid = invoice["status"] == "paid"
    require_amounts(invoice, params, is_paid=is_paid)
    note = build_credit_note(ledger, invoice, params, is_paid=is_paid)
    ledger.add_object(note, owners=(invoice["id"], invoice["customer"]))
    credit_invoice(ledger, invoice, params, is_paid=is_paid)
    ledger.record_event("credit_note.created", note)
    return note


def retrieve_credit_note(call: Call) -> Document:
    """Return a credit note."""
    return call.ledger.get_object("credit_note", call.path["id"])


def list_credit_notes(call: Call) -> Document:
    """List the credit notes of an invoice, of a customer, or all."""
    owner = call.params.get("invoice") or call.params.get("customer")
    every = (
        call.ledger.list_owned_objects("credit_note", owner)
        if owner
        else iter(call.ledger.list_objects("credit_note"))
    )
    found = [
        note
        for note in every
        if is_matching_filters(note, call.params, "customer", "invoice")
        and is_time_within(note["created"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url=URL)


def require_amounts(invoice: Document, params: dict[str, Any], *, is_paid: bool) -> None:
    """Refuse more than is left of the invoice, or another sum than is given back."""
    amount = params["amount"]
    credited = invoice["post_payment_credit_notes_amount"]
    left = invoice["amount_paid"] - credited if is_paid else invoice["amount_remaining"]
    if not 0 < amount <= left:
        raise build_parameter_error(
            f"The amount must be above 0 and at most {left}.", param="amount"
        )
    given_back = sum(params.get(name, 0) for name in WAYS_BACK)
    if given_back != (amount if is_paid else 0):
        raise StripeError(
            "The sum of refund_amount, credit_amount and out_of_band_amount must equal the credit "
            "note's total for a paid invoice, and be 0 for an open one.",
            param="refund_amount",
        )


def credit_invoice(
    ledger: Ledger, invoice: Document, params: dict[str, Any], *, is_paid: bool
) -> None:
    """Reduce an open invoice, or note on a paid one what was given back of it.

    An open invoice that nothing is left of is paid. A paid one stays paid.
    """
    amount = params["amount"]
    if is_paid:
        field = "post_payment_credit_notes_amount"
        ledger.save_object(invoice | {field: invoice[field] + amount}, event="invoice.updated")
        credit_balance(ledger, invoice["customer"], params.get("credit_amount", 0))
        return
    field = "pre_payment_credit_notes_amount"
    reduced = invoice | {
        field: invoice[field] + amount,
        "amount_due": invoice["amount_due"] - amount,
        "amount_remaining": invoice["amount_remaining"] - amount,
    }
    ledger.save_object(reduced, event="invoice.updated")
    if not reduced["amount_remaining"]:
        invoice_collection.mark_invoice_paid(ledger, reduced)


def credit_balance(ledger: Ledger, customer_id: str, amount: int) -> None:
    """Add a credit to the customer's balance, where credits are negative."""
    if amount:
        customer = ledger.get_object("customer", customer_id)
        ledger.save_object(
            customer | {"balance": customer["balance"] - amount}, event="customer.updated"
        )


def build_credit_note(
    ledger: Ledger, invoice: Document, params: dict[str, Any], *, is_paid: bool
) -> Document:
    """Return a credit note over an amount that includes tax in the invoice's proportion.

    That its lines are empty, and how its tax is split, are beliefs.
    """
    id_, amount = build_object_id("credit_note"), params["amount"]
    count = sum(1 for _ in ledger.list_owned_objects("credit_note", invoice["id"])) + 1
    before_tax = Fraction(amount * invoice["total_excluding_tax"], invoice["total"])
    net = money.round_half_up(before_tax)
    return {
        "id": id_,
        "object": "credit_note",
        "amount": amount,
        "amount_shipping": 0,
        "created": ledger.now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": ledger.now,
        "invoice": invoice["id"],
        "lines": build_list_object([], f"{URL}/{id_}/lines"),
        "livemode": False,
        "memo": blank_to_none(params.get("memo")),
        "metadata": merge_stripe_metadata({}, params.get("metadata")),
        "number": f"{invoice['number']}-CN-{count:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"{invoice['invoice_pdf']}",
        "post_payment_amount": amount if is_paid else 0,
        "pre_payment_amount": 0 if is_paid else amount,
        "pretax_credit_amounts": [],
        "reason": blank_to_none(params.get("reason")),
        "refunds": build_refunds(params.get("refund_amount", 0)),
        "shipping_cost": None,
        "status": "issued",
        "subtotal": net,
        "subtotal_excluding_tax": net,
        "total": amount,
        "total_excluding_tax": net,
        "total_taxes": [],
        "type": "post_payment" if is_paid else "pre_payment",
        "voided_at": None,
    }


def build_refunds(amount: int) -> list[Document]:
    """Return the refund that a credit note caused, if any."""
    if not amount:
        return []
    refund = {"amount_refunded": amount, "refund": build_object_id("refund"), "type": "refund"}
    return [refund | {"payment_record_refund": None}]
