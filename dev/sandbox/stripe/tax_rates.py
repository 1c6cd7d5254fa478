"""Serve tax rates, and tax the lines of invoices by those of the subscription.

https://docs.stripe.com/billing/taxes/tax-rates
"""

from fractions import Fraction

from sandbox.store import Document
from sandbox.stripe import discounts, money
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import (
    blank_to_none,
    build_object_id,
    merge_stripe_metadata,
)
from sandbox.stripe.protocol.errors import StripeError, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

URL = "/v1/tax_rates"
PERCENT = 100
MAX_RATES = 5  # https://docs.stripe.com/api/tax_rates
COPIED_FIELDS = ("country", "description", "jurisdiction", "state", "tax_type")
EXEMPT_REASONS = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


def create_tax_rate(call: Call) -> Document:
    """Create a tax rate."""
    percentage = call.params["percentage"]
    if not 0 <= percentage <= PERCENT:
        raise build_parameter_error("Percentage must be between 0 and 100.", param="percentage")
    rate = {name: blank_to_none(call.params.get(name)) for name in COPIED_FIELDS} | {
        "id": build_object_id("tax_rate"),
        "object": "tax_rate",
        "active": call.params.get("active", True),
        "created": call.ledger.now,
        "display_name": call.params["display_name"],
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": call.params["inclusive"],
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": merge_stripe_metadata({}, call.params.get("metadata")),
        "percentage": percentage,
        "rate_type": "percentage",
    }
    call.ledger.add_object(rate)
    return rate


def retrieve_tax_rate(call: Call) -> Document:
    """Return a tax rate."""
    return call.ledger.get_object("tax_rate", call.path["tax_rate"])


def list_tax_rates(call: Call) -> Document:
    """List tax rates."""
    found = [
        rate
        for rate in call.ledger.list_objects("tax_rate")
        if is_matching_filters(rate, call.params, "active", "inclusive")
        and is_time_within(rate["created"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url=URL)


def load_default_rates(ledger: Ledger, ids: list[str] | str) -> list[Document]:
    """Return the tax rates of a subscription by their ids, where a blank value means none."""
    rates = [ledger.get_object("tax_rate", id_, param="default_tax_rates") for id_ in ids or []]
    if len(rates) > MAX_RATES:
        raise build_parameter_error(
            f"At most {MAX_RATES} tax rates can be set.", param="default_tax_rates"
        )
    for rate in rates:
        if not rate["active"]:
            raise StripeError(f"Tax rate {rate['id']} is not active.", param="default_tax_rates")
    return rates


def tax_lines(subscription: Document, customer: Document, lines: list[Document]) -> list[Document]:
    """Return lines with the taxes of a subscription, on what is left after discounts."""
    rates = subscription["default_tax_rates"] or []
    if not rates:
        return lines
    return [
        line | {"taxes": [compute_tax(line, rate, rates, customer) for rate in rates]}
        for line in lines
    ]


def compute_tax(
    line: Document, rate: Document, rates: list[Document], customer: Document
) -> Document:
    """Return one tax of a line, which an inclusive amount contains and an exclusive one does not.

    A customer that is exempt, or accounts for the tax by itself, is charged none:
    https://docs.stripe.com/api/customers/object#customer_object-tax_exempt. That each line is rounded
    by itself, and the reason of a rate that was set by hand, are beliefs.
    """
    net = Fraction(discounts.get_net_amount(line))
    if rate["inclusive"]:
        contained = sum(read_percentage(one) for one in rates if one["inclusive"])
        net = net / (1 + contained)
    exempt = EXEMPT_REASONS.get(customer["tax_exempt"])
    amount = 0 if exempt else money.round_half_up(net * read_percentage(rate))
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": exempt or "not_available",
        "taxable_amount": money.round_half_up(net),
        "type": "tax_rate_details",
    }


def read_percentage(rate: Document) -> Fraction:
    """Return a tax rate as a fraction."""
    return Fraction(str(rate["percentage"])) / PERCENT


def sum_taxes(lines: list[Document], behavior: str) -> int:
    """Return the tax of all lines that amounts contain (inclusive), or that is added (exclusive)."""
    return sum(
        int(tax["amount"])
        for line in lines
        for tax in line["taxes"]
        if tax["tax_behavior"] == behavior
    )


def total_taxes(lines: list[Document]) -> list[Document]:
    """Return the amount of each tax rate over all lines."""
    totals: dict[str, Document] = {}
    for line in lines:
        for tax in line["taxes"]:
            rate = tax["tax_rate_details"]["tax_rate"]
            before = totals.get(rate, tax | {"amount": 0, "taxable_amount": 0})
            added = ("amount", "taxable_amount")
            totals[rate] = before | {name: before[name] + tax[name] for name in added}
    return list(totals.values())
