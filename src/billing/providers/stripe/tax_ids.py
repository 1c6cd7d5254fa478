"""Stripe's types of VAT numbers."""

from collections.abc import Mapping
from typing import Any, Final

# https://docs.stripe.com/billing/customer/tax-ids#supported-tax-id
TYPE_BY_COUNTRY: Final = {"GB": "gb_vat", "CH": "ch_vat", "NO": "no_vat"}
EUROPEAN_TYPE: Final = "eu_vat"
VAT_TYPES: Final = frozenset({EUROPEAN_TYPE, *TYPE_BY_COUNTRY.values()})


def get_type(value: str) -> str:
    """Return Stripe's type for a normalized VAT number, by its country prefix."""
    if value.endswith("MVA"):
        return "no_vat"
    return TYPE_BY_COUNTRY.get(value[:2], EUROPEAN_TYPE)


def is_vat_number(raw: Mapping[str, Any]) -> bool:
    """Return whether a tax id is a VAT number, which the product may replace."""
    return raw.get("type") in VAT_TYPES
