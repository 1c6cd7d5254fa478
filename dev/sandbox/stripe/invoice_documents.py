"""Build invoices with their lines, totals and numbers."""

from sandbox.store import Document
from sandbox.stripe import discounts, periods, subscription_documents, tax_rates
from sandbox.stripe.protocol.documents import build_list_object, build_object_id
from sandbox.stripe.protocol.ledger import Ledger

ACCOUNT_NAME = "Sandbox Inc."


def build_draft_invoice(
    ledger: Ledger, subscription: Document, lines: list[Document], *, reason: str
) -> Document:
    """Return an unnumbered invoice over the given lines without storing it."""
    customer = ledger.get_object("customer", subscription["customer"])
    id_ = build_object_id("invoice")
    lines = tax_rates.tax_lines(subscription, customer, lines)
    parent = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    return (
        build_fixed_fields(ledger)
        | copy_customer_details(ledger, customer)
        | compute_sums(customer, lines)
        | {
            "id": id_,
            "automatic_tax": compute_tax(subscription, customer),
            "billing_reason": reason,
            "collection_method": subscription["collection_method"],
            "currency": subscription["currency"],
            "default_tax_rates": subscription["default_tax_rates"] or [],
            "discounts": sorted({id_ for line in lines for id_ in line["discounts"]}),
            "lines": build_list_object(
                [entry | {"invoice": id_} for entry in lines], f"/v1/invoices/{id_}/lines"
            ),
            "parent": {
                "quote_details": None,
                "subscription_details": parent,
                "type": "subscription_details",
            },
        }
        | get_invoice_period(ledger, subscription, reason)
    )


def get_invoice_period(ledger: Ledger, subscription: Document, reason: str) -> Document:
    """Return the time in which the items of an invoice came up, which lies before its renewal.

    https://docs.stripe.com/billing/subscriptions/mixed-interval shows it for a first invoice and
    https://docs.stripe.com/billing/subscriptions/prorations for a preview.
    """
    start, end = subscription_documents.get_current_period(subscription)
    if reason == "subscription_cycle" and start == ledger.now:
        recurring = subscription["items"]["data"][0]["price"]["recurring"]
        anchor = subscription["billing_cycle_anchor"]
        start, end = periods.find_period_around(start - 1, anchor, recurring)
        if subscription["trial_end"] == end:
            start = subscription["trial_start"]
    elif reason != "upcoming":
        end = ledger.now
    return {"period_start": start, "period_end": end}


def copy_customer_details(ledger: Ledger, customer: Document) -> Document:
    """Return the copy of the customer's details that an invoice keeps."""
    kept = ("address", "email", "name", "phone", "tax_exempt")
    tax_ids = ledger.list_owned_objects("tax_id", customer["id"])
    return {f"customer_{name}": customer.get(name) for name in kept} | {
        "customer": customer["id"],
        "customer_tax_ids": [{"type": held["type"], "value": held["value"]} for held in tax_ids],
    }


def compute_sums(customer: Document, lines: list[Document]) -> Document:
    """Return the totals of lines with their taxes, with the customer's balance applied first.

    A total below zero is added to the balance as credit.
    """
    contained = tax_rates.sum_taxes(lines, "inclusive")
    subtotal = sum(entry["amount"] for entry in lines)
    net = sum(discounts.get_net_amount(line) for line in lines)
    total = net + tax_rates.sum_taxes(lines, "exclusive")
    balance = int(customer.get("balance", 0))
    due = max(0, total + balance)
    return {
        "amount_due": due,
        "amount_remaining": due,
        "ending_balance": total + balance - due,
        "starting_balance": balance,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - contained,
        "total": total,
        "total_discount_amounts": discounts.sum_discounts(lines),
        "total_excluding_tax": net - contained,
        "total_taxes": tax_rates.total_taxes(lines),
    }


def compute_tax(subscription: Document, customer: Document) -> Document:
    """Return whether tax was computed, which requires the customer's country."""
    taxed = subscription["automatic_tax"]["enabled"]
    location = (customer.get("address") or {}).get("country")
    status = "complete" if location else "requires_location_inputs"
    return {"disabled_reason": None} | subscription_documents.build_computed_tax(
        status, enabled=taxed
    )


def build_fixed_fields(ledger: Ledger) -> Document:
    """Return the fields that all drafts share."""
    empty = (
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account "
        "customer_shipping default_payment_method default_source description due_date effective_at "
        "footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision "
        "next_payment_attempt number on_behalf_of receipt_number rendering shipping_cost "
        "shipping_details statement_descriptor test_clock webhooks_delivered_at"
    )
    return dict.fromkeys(empty.split()) | {
        "object": "invoice",
        "account_country": "DE",
        "account_name": ACCOUNT_NAME,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "created": ledger.now,
        "discounts": [],
        "issuer": {"type": "self"},
        "livemode": False,
        "metadata": {},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "total_pretax_credit_amounts": [],
    }
