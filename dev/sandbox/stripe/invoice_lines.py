"""Build the lines of invoices."""

from sandbox.store import Document
from sandbox.stripe import money, prices
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.ledger import Ledger


def build_pricing(price: Document) -> Document:
    """Return the pricing part of a line."""
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
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
        "subscription": subscription,
        "subtotal": body["amount"],
        "taxes": [],
    } | body


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
            "description": f"Free trial for {quantity} × {name}"
            if trial
            else f"{quantity} × {name}{each}",
            "period": {"start": start, "end": end},
            "pricing": build_pricing(price),
            "quantity": quantity,
        },
        subscription=item["subscription"],
        item=item["id"],
        invoice_item=None,
    )
