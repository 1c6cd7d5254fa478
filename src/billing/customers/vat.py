"""Normalize VAT numbers, and refuse what has no form that a country issues.

Check digits are left to the register, which the provider asks: some countries have issued numbers
that do not fit their own.
"""

import re
from typing import Final

from billing.errors import VatIdInvalid

# The structures that https://ec.europa.eu/taxation_customs/vies/#/faq (question 11) lists, taken from
# copies of that table, by prefix. Greece writes EL, and Northern Ireland is still inside as XI.
_BRITISH_FORM: Final = r"[0-9]{9}|[0-9]{12}|GD[0-9]{3}|HA[0-9]{3}"
EUROPEAN_FORMS: Final = {
    "AT": r"U[0-9]{8}",
    "BE": r"[01][0-9]{9}",
    "BG": r"[0-9]{9,10}",
    "CY": r"[0-9]{8}[A-Z]",
    "CZ": r"[0-9]{8,10}",
    "DE": r"[0-9]{9}",
    "DK": r"[0-9]{8}",
    "EE": r"[0-9]{9}",
    "EL": r"[0-9]{9}",
    "ES": r"[A-Z][0-9]{7}[0-9A-Z]|[0-9]{8}[A-Z]",
    "FI": r"[0-9]{8}",
    "FR": r"[0-9A-HJ-NP-Z]{2}[0-9]{9}",
    "HR": r"[0-9]{11}",
    "HU": r"[0-9]{8}",
    "IE": r"[0-9][0-9A-Z+*][0-9]{5}[A-Z]|[0-9]{7}[A-Z]{2}",
    "IT": r"[0-9]{11}",
    "LT": r"[0-9]{9}|[0-9]{12}",
    "LU": r"[0-9]{8}",
    "LV": r"[0-9]{11}",
    "MT": r"[0-9]{8}",
    "NL": r"[0-9]{9}B[0-9]{2}",
    "PL": r"[0-9]{10}",
    "PT": r"[0-9]{9}",
    "RO": r"[0-9]{2,10}",
    "SE": r"[0-9]{12}",
    "SI": r"[0-9]{8}",
    "SK": r"[0-9]{10}",
    "XI": _BRITISH_FORM,
}
# https://docs.stripe.com/billing/customer/tax-ids#supported-tax-id gives an example of each form. The
# European ones agree with these structures.
OTHER_FORMS: Final = {"GB": _BRITISH_FORM}
_FORMS: Final = {
    prefix: re.compile(form) for prefix, form in {**EUROPEAN_FORMS, **OTHER_FORMS}.items()
}
_NORWEGIAN_FORM: Final = re.compile(r"(NO)?([0-9]{9})(MVA)?")
_SWISS_FORM: Final = re.compile(r"CHE([0-9]{3})([0-9]{3})([0-9]{3})(MWST|TVA|IVA)?")


def normalize_number(text: str) -> str:
    """Return a VAT number in the form that invoices print.

    Raises VatIdInvalid.
    """
    value = compact_number(text)
    norwegian = _NORWEGIAN_FORM.fullmatch(value)
    if norwegian and (norwegian[1] or norwegian[3]):
        return f"{norwegian[2]}MVA"
    if swiss := _SWISS_FORM.fullmatch(value):
        # Invoices need the ending, in one of three languages; the number alone is that of a company:
        # https://github.com/alyf-de/eu_einvoice/pull/236 quotes article 26 of the Swiss VAT act.
        return f"CHE-{swiss[1]}.{swiss[2]}.{swiss[3]} {swiss[4] or 'MWST'}"
    if value.startswith("GR"):
        value = f"EL{value[2:]}"
    form = _FORMS.get(value[:2])
    if form and form.fullmatch(value[2:]):
        return value
    raise VatIdInvalid


def compact_number(text: str) -> str:
    """Return a number in upper case, without the blanks, dots and dashes that people write."""
    return re.sub(r"[\s.\-]", "", text).upper()
