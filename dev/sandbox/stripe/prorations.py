"""Credit and debit the rest of a billing period, the way flexible billing mode does.

A credit is computed from the amounts that were debited for the item's current period, not from its
price and quantity: https://docs.stripe.com/billing/subscriptions/prorations#credit-prorations. Each
debit gives one credit: https://docs.stripe.com/billing/subscriptions/billing-mode/compare.

A debit counts once it is invoiced or waits for an invoice, paid or not. Stripe credits unpaid time
unless the caller turns prorations off: https://docs.stripe.com/billing/subscriptions/prorations
(section "Prorations and unpaid invoices"). That debits of a voided invoice are credited too is a
belief, the worse of two cases for the seller.
"""

from datetime import UTC, datetime
from fractions import Fraction

from sandbox.store import Document
from sandbox.stripe import discounts, invoice_lines, money, prices
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.ledger import Ledger


def list_debits(ledger: Ledger, item_id: str) -> list[Document]:
    """Return the debits of an item that are not credited yet."""
    debits: list[Document] = ledger.get_private_state(item_id).get("debits", [])
    return debits


def save_debits(ledger: Ledger, debits: dict[str, list[Document]]) -> None:
    """Replace the debits of items, by the ids of the items."""
    for item_id, entries in debits.items():
        ledger.save_private_state(item_id, debits=entries)


def record_period_debits(ledger: Ledger, invoice: Document, lines: list[Document]) -> None:
    """Replace the debits of each item by the line of its new period."""
    for line in lines:
        details = line["parent"]["subscription_item_details"]
        debit = build_debit_record(line) | {"invoice": invoice["id"], "line": line["id"]}
        debit["amount"] = discounts.get_net_amount(line)
        entries = [debit] if debit["amount"] else []
        save_debits(ledger, {details["subscription_item"]: entries})


def build_debit_record(entry: Document) -> Document:
    """Return what a later credit needs of a line or an invoice item."""
    return {
        "amount": entry["amount"],
        "start": entry["period"]["start"],
        "end": entry["period"]["end"],
        "price": entry["pricing"]["price_details"]["price"],
        "quantity": entry["quantity"],
        "invoice_item": entry["id"] if entry["object"] == "invoiceitem" else None,
    }


def build_prorations(
    ledger: Ledger, before: list[Document], after: list[Document], *, at: int, resets: bool
) -> list[Document]:
    """Return credits for unused time and debits for added time, item by item."""
    old = {item["id"]: item for item in before}
    new = {item["id"]: item for item in after}
    entries: list[Document] = []
    for id_ in old | new:
        was, is_ = old.get(id_), new.get(id_)
        if not resets and was and is_ and get_billed_terms(was) == get_billed_terms(is_):
            continue
        if was:
            entries += build_credits(ledger, was, at=at)
        if is_ and "quantity" in is_ and not resets:
            entries.append(build_debit(ledger, is_, at=at))
    return entries


def get_billed_terms(item: Document) -> tuple[str, int | None]:
    """Return what an item's amount depends on."""
    return (item["price"]["id"], item.get("quantity"))


def build_credits(ledger: Ledger, item: Document, *, at: int) -> list[Document]:
    """Return one credit for the rest of each debit of an item."""
    entries = []
    for debit in list_debits(ledger, item["id"]):
        start, end = max(at, debit["start"]), debit["end"]
        if start >= end:
            continue
        share = Fraction(end - start, end - debit["start"])
        price = ledger.get_object("price", debit["price"])
        entry = build_proration_item(
            ledger,
            item,
            price,
            amount=-money.round_half_up(debit["amount"] * share),
            quantity=debit["quantity"],
            period={"start": start, "end": end},
        )
        details = {"credited_items": find_debited_items(ledger, debit), "discount_amounts": []}
        entries.append(entry | {"proration_details": details})
    return entries


def find_debited_items(ledger: Ledger, debit: Document) -> Document:
    """Return the reference to what a credit gives back.

    https://docs.stripe.com/changelog/dahlia/2026-05-27/invoice-item-proration-credited-items
    """
    invoice_id, line_id = debit.get("invoice"), debit.get("line")
    if debit["invoice_item"]:
        pending = ledger.get_object("invoiceitem", debit["invoice_item"])
        if pending["invoice"] is None:
            return {"type": "invoice_item", "invoice_item": pending["id"]}
        invoice_id = pending["invoice"]
        line_id = find_invoice_line(ledger.get_object("invoice", invoice_id), pending["id"])
    details = {"invoice": invoice_id, "invoice_line_items": [line_id]}
    return {"type": "invoice_line_items", "invoice_line_item_details": details}


def find_invoice_line(invoice: Document, invoice_item_id: str) -> str | None:
    """Return the id of the line that an invoice item became."""
    for line in invoice["lines"]["data"]:
        if line["parent"]["subscription_item_details"]["invoice_item"] == invoice_item_id:
            return str(line["id"])
    return None


def build_debit(ledger: Ledger, item: Document, *, at: int) -> Document:
    """Return the debit for the rest of an item's period, at the current state of its price."""
    price = prices.add_tiers(ledger, ledger.get_object("price", item["price"]["id"]))
    start, end = item["current_period_start"], item["current_period_end"]
    quantity = item["quantity"]
    amount = money.compute_proration(price, quantity, at=at, start=start, end=end)
    subscription = ledger.get_object("subscription", item["subscription"])
    return build_proration_item(
        ledger,
        item,
        price,
        amount=discounts.discount_proration(ledger, subscription, amount, at=at),
        quantity=quantity,
        period={"start": at, "end": end},
    )


def build_proration_item(
    ledger: Ledger,
    item: Document,
    price: Document,
    *,
    amount: int,
    quantity: int,
    period: dict[str, int],
) -> Document:
    """Return an invoice item over a part of an item's period, which is a credit below zero."""
    day = datetime.fromtimestamp(period["start"], UTC).strftime("%d %b %Y")
    name = invoice_lines.get_product_name(ledger, price)
    word = "Unused" if amount < 0 else "Remaining"
    parent = {"subscription": item["subscription"], "subscription_item": item["id"]}
    return {
        "id": build_object_id("invoiceitem"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": price["currency"],
        "customer": ledger.get_object("subscription", item["subscription"])["customer"],
        "customer_account": None,
        "date": period["start"],
        "description": f"{word} time on {quantity} × {name} after {day}",
        "discountable": False,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": {"type": "subscription_details", "subscription_details": parent},
        "period": period,
        "pricing": invoice_lines.build_pricing(price),
        "proration": True,
        "proration_details": {"credited_items": None, "discount_amounts": []},
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": None,
    }


def defer_prorations(ledger: Ledger, subscription_id: str, entries: list[Document]) -> None:
    """Store prorations as pending for the next invoice, and update what their items were debited."""
    if not entries:
        return
    for entry in entries:
        ledger.add_object(entry, owners=(entry["customer"],), event="invoiceitem.created")
        item_id = entry["parent"]["subscription_details"]["subscription_item"]
        if entry["proration_details"]["credited_items"]:
            save_debits(ledger, {item_id: []})
        elif entry["amount"]:
            debits = [*list_debits(ledger, item_id), build_debit_record(entry)]
            save_debits(ledger, {item_id: debits})
    waiting = ledger.get_private_state(subscription_id).get("pending_items", [])
    ids = waiting + [entry["id"] for entry in entries]
    ledger.save_private_state(subscription_id, pending_items=ids)


def list_pending_prorations(ledger: Ledger, subscription_id: str) -> list[Document]:
    """Return the prorations that are pending for the next invoice."""
    ids = ledger.get_private_state(subscription_id).get("pending_items", [])
    return [ledger.get_object("invoiceitem", id_) for id_ in ids]


def build_pending_lines(ledger: Ledger, subscription_id: str) -> list[Document]:
    """Return the lines of the pending prorations."""
    return [build_pending_line(entry) for entry in list_pending_prorations(ledger, subscription_id)]


def build_pending_line(entry: Document) -> Document:
    """Return the line of a proration that was pending as an invoice item."""
    parts = ("amount", "currency", "description", "period", "pricing", "quantity")
    parent = entry["parent"]["subscription_details"]
    credited = entry["proration_details"]["credited_items"] or {}
    line = invoice_lines.build_invoice_line(
        {name: entry[name] for name in parts},
        subscription=parent["subscription"],
        item=parent["subscription_item"],
        invoice_item=entry["id"],
    )
    details = line["parent"]["subscription_item_details"]["proration_details"]
    details["credited_items"] = credited.get("invoice_line_item_details")
    return line
