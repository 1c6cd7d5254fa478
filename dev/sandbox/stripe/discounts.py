"""Apply the discounts of a subscription to its invoice lines and prorations."""

from fractions import Fraction

from sandbox.store import Document
from sandbox.stripe import money
from sandbox.stripe.protocol.ledger import Ledger

PERCENT = 100


def list_active_discounts(ledger: Ledger, subscription: Document, *, at: int) -> list[Document]:
    """Return the discounts that apply to an invoice of the given time."""
    found = [ledger.find_object("discount", id_) for id_ in subscription["discounts"]]
    return [
        discount
        for discount in found
        if discount
        and (discount["end"] is None or at < discount["end"])
        and not ledger.get_private_state(discount["id"]).get("used")
    ]


def discount_lines(
    ledger: Ledger, subscription: Document, lines: list[Document], *, at: int
) -> list[Document]:
    """Return lines with the amount of each discount, where a fixed amount is shared in proportion.

    https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    """
    for discount in list_active_discounts(ledger, subscription, at=at):
        coupon = ledger.get_object("coupon", discount["source"]["coupon"])
        share = find_share(coupon, sum(get_net_amount(line) for line in lines))
        lines = [add_discount(line, discount["id"], share) for line in lines]
    return lines


def find_share(coupon: Document, total: int) -> Fraction:
    """Return the part of a total that a coupon takes off."""
    if coupon["percent_off"] is not None:
        return Fraction(str(coupon["percent_off"])) / PERCENT
    return min(Fraction(1), Fraction(coupon["amount_off"], total)) if total else Fraction(0)


def add_discount(line: Document, discount_id: str, share: Fraction) -> Document:
    """Return a line with one discount more."""
    amount = money.round_half_up(get_net_amount(line) * share)
    if not amount:
        return line
    entry = {"amount": amount, "discount": discount_id}
    return line | {
        "discount_amounts": [*line["discount_amounts"], entry],
        "discounts": [*line["discounts"], discount_id],
    }


def get_net_amount(line: Document) -> int:
    """Return the amount of a line after its discounts."""
    taken_off = sum(int(entry["amount"]) for entry in line["discount_amounts"])
    return int(line["amount"]) - taken_off


def discount_proration(ledger: Ledger, subscription: Document, amount: int, *, at: int) -> int:
    """Return a debit proration after the percentages off, which its amount contains.

    https://docs.stripe.com/billing/subscriptions/prorations#prorations-and-discounts. That an amount
    off is not spread over prorations is a belief.
    """
    for discount in list_active_discounts(ledger, subscription, at=at):
        coupon = ledger.get_object("coupon", discount["source"]["coupon"])
        if coupon["percent_off"] is not None:
            amount -= money.round_half_up(amount * find_share(coupon, amount))
    return amount


def use_discounts(ledger: Ledger, lines: list[Document]) -> None:
    """End the discounts that apply once, after they reduced an invoice."""
    for discount_id in {entry["discount"] for line in lines for entry in line["discount_amounts"]}:
        discount = ledger.get_object("discount", discount_id)
        coupon = ledger.get_object("coupon", discount["source"]["coupon"])
        if coupon["duration"] == "once":
            ledger.save_private_state(discount_id, used=True)


def sum_discounts(lines: list[Document]) -> list[Document]:
    """Return the amount of each discount over all lines."""
    totals: dict[str, int] = {}
    for line in lines:
        for entry in line["discount_amounts"]:
            totals[entry["discount"]] = totals.get(entry["discount"], 0) + entry["amount"]
    return [{"amount": amount, "discount": id_} for id_, amount in totals.items()]
