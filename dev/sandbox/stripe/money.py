"""Compute what seats cost in exact integer arithmetic, rounded half up once per line."""

from fractions import Fraction
from math import floor

from sandbox.store import Document


def round_half_up(amount: Fraction) -> int:
    """Return whole minor units, with halves rounded away from zero so that a credit mirrors its debit."""
    whole = floor(abs(amount) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def compute_cost(price: Document, quantity: int) -> Fraction:
    """Return the unrounded cost of a quantity for one whole period, in minor units."""
    billed = apply_transform(price, quantity)
    if price["billing_scheme"] == "tiered":
        return compute_tiered_cost(price, billed)
    return Fraction(price["unit_amount_decimal"] or 0) * billed


def apply_transform(price: Document, quantity: int) -> int:
    """Return the quantity in packages, if the price sells packages."""
    rule = price["transform_quantity"]
    if not rule:
        return quantity
    if rule["round"] == "up":
        return -(-quantity // int(rule["divide_by"]))
    return quantity // int(rule["divide_by"])


def compute_tiered_cost(price: Document, quantity: int) -> Fraction:
    """Return the cost of a quantity over tiers.

    In the mode `volume` one tier prices all units, in `graduated` each tier prices its own.
    """
    total, below = Fraction(0), 0
    for tier in price["tiers"]:
        top = tier["up_to"]
        reaches = top is None or quantity <= top
        if price["tiers_mode"] == "volume":
            if reaches:
                return compute_tier_cost(tier, quantity)
        elif quantity > below:
            total += compute_tier_cost(tier, (quantity if reaches else top) - below)
            below = top
        if reaches:
            break
    return total


def compute_tier_cost(tier: Document, quantity: int) -> Fraction:
    """Return the cost of a number of units at one tier."""
    unit = Fraction(tier["unit_amount_decimal"] or 0)
    return unit * quantity + Fraction(tier["flat_amount_decimal"] or 0)


def compute_proration(price: Document, quantity: int, *, at: int, start: int, end: int) -> int:
    """Return the cost of the rest of a period from the given time on, to the second."""
    return round_half_up(compute_cost(price, quantity) * Fraction(end - at, end - start))


def format_amount(amount: int, currency: str) -> str:
    """Format an amount for people, such as `€9.00`."""
    sign = {"eur": "€", "usd": "$", "gbp": "£"}.get(currency, currency.upper() + " ")
    return f"{'-' if amount < 0 else ''}{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d}"
