"""Build invoices with their lines, totals and numbers."""

from datetime import UTC, datetime

from sandbox.store import Document
from sandbox.stripe import money, prices, subscription_documents
from sandbox.stripe.protocol.documents import build_list_object, build_object_id
from sandbox.stripe.protocol.ledger import Ledger

ACCOUNT_NAME = "Sandbox Inc."


def build_pricing(price: Document) -> Document:
    """Return the pricing part of a line."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def build_proration_item(
    ledger: Ledger, item: Document, price: Document, *, at: int, sign: int
) -> Document:
    """Return the credit (-1) or debit (+1) for the rest of an item's period, as an invoice item."""
    start, end = item["current_period_start"], item["current_period_end"]
    quantity = item.get("quantity", 0)
    amount = sign * money.compute_proration(price, quantity, at=at, start=start, end=end)
    day = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
    word = "Remaining" if sign > 0 else "Unused"
    return {
        "id": build_object_id("invoiceitem"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": price["currency"],
        "customer": ledger.get_object("subscription", item["subscription"])["customer"],
        "customer_account": None,
        "date": at,
        "description": f"{word} time on {quantity} × {get_product_name(ledger, price)} after {day}",
        "discountable": False,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
        },
        "period": {"start": at, "end": end},
        "pricing": build_pricing(price),
        "proration": True,
        "proration_details": {"discount_amounts": []},
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": None,
    }


def get_product_name(ledger: Ledger, price: Document) -> str:
    """Return the product's name for people."""
    product = ledger.find_object("product", price["product"])
    return str(product["name"] if product else price["id"])


def build_invoice_line(
    body: Document, *, subscription: str, item: str, invoice_item: str | None
) -> Document:
    """Return a line item that wraps an amount."""
    return {
        "id": build_object_id("line_item"),
        "object": "line_item",
        "discount_amounts": [],
        "discountable": invoice_item is None,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": invoice_item,
                "proration": invoice_item is not None,
                "proration_details": {"credited_items": None},
                "subscription": subscription,
                "subscription_item": item,
            },
            "type": "subscription_item_details",
        },
        "pretax_credit_amounts": [],
        "quantity_decimal": str(body["quantity"]),
        "subtotal": body["amount"],
        "taxes": [],
    } | body


def build_pending_line(entry: Document) -> Document:
    """Return the line of a proration that was pending as an invoice item."""
    parts = ("amount", "currency", "description", "period", "pricing", "quantity")
    parent = entry["parent"]["subscription_details"]
    return build_invoice_line(
        {name: entry[name] for name in parts},
        subscription=parent["subscription"],
        item=parent["subscription_item"],
        invoice_item=entry["id"],
    )


def build_period_line(
    ledger: Ledger, item: Document, *, start: int, end: int, trial: bool
) -> Document:
    """Return the line for a whole period of an item, which costs nothing in a trial."""
    price = prices.add_tiers(ledger, ledger.get_object("price", item["price"]["id"]))
    quantity, name = item.get("quantity", 0), get_product_name(ledger, price)
    amount = 0 if trial else money.round_half_up(money.compute_cost(price, quantity))
    unit = money.format_amount(price["unit_amount"] or 0, price["currency"])
    each = f" (at {unit} / {price['recurring']['interval']})" if price["unit_amount"] else ""
    return build_invoice_line(
        {
            "amount": amount,
            "currency": price["currency"],
            "description": f"Trial period for {name}" if trial else f"{quantity} × {name}{each}",
            "period": {"start": start, "end": end},
            "pricing": build_pricing(price),
            "quantity": quantity,
        },
        subscription=item["subscription"],
        item=item["id"],
        invoice_item=None,
    )


def list_pending_prorations(ledger: Ledger, subscription: str) -> list[Document]:
    """Return the prorations that are pending for the next invoice."""
    ids = ledger.get_private_state(subscription).get("pending_items", [])
    return [ledger.get_object("invoiceitem", id_) for id_ in ids]


def defer_prorations(ledger: Ledger, subscription: str, entries: list[Document]) -> None:
    """Store prorations as pending for the next invoice."""
    if not entries:
        return
    for entry in entries:
        ledger.add_object(entry, owners=(entry["customer"],), event="invoiceitem.created")
    waiting = ledger.get_private_state(subscription).get("pending_items", [])
    ledger.save_private_state(
        subscription, pending_items=waiting + [entry["id"] for entry in entries]
    )


def build_draft_invoice(
    ledger: Ledger, subscription: Document, lines: list[Document], *, reason: str
) -> Document:
    """Return an unnumbered invoice over the given lines without storing it."""
    customer = ledger.get_object("customer", subscription["customer"])
    id_ = build_object_id("invoice")
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
            "lines": build_list_object(
                [entry | {"invoice": id_} for entry in lines], f"/v1/invoices/{id_}/lines"
            ),
            "parent": {
                "quote_details": None,
                "subscription_details": parent,
                "type": "subscription_details",
            },
            "period_end": max(entry["period"]["end"] for entry in lines),
            "period_start": min(entry["period"]["start"] for entry in lines),
        }
    )


def copy_customer_details(ledger: Ledger, customer: Document) -> Document:
    """Return the copy of the customer's details that an invoice keeps."""
    kept = ("address", "email", "name", "phone", "tax_exempt")
    tax_ids = ledger.list_owned_objects("tax_id", customer["id"])
    return {f"customer_{name}": customer.get(name) for name in kept} | {
        "customer": customer["id"],
        "customer_tax_ids": [{"type": held["type"], "value": held["value"]} for held in tax_ids],
    }


def compute_sums(customer: Document, lines: list[Document]) -> Document:
    """Return the totals of lines, with the customer's balance applied first.

    A total below zero is added to the balance as credit.
    """
    total = sum(entry["amount"] for entry in lines)
    balance = int(customer.get("balance", 0))
    due = max(0, total + balance)
    return {
        "amount_due": due,
        "amount_remaining": due,
        "ending_balance": total + balance - due,
        "starting_balance": balance,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
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
        "default_tax_rates": [],
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
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }
