"""Normalize VAT numbers, and refuse what cannot be one."""

import re
from typing import Final

from billing.errors import VatIdInvalid

# Prefixes of the European union; Greece writes EL, Northern Ireland is still inside as XI.
EUROPEAN_PREFIXES: Final = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split()
)

_EUROPEAN_PATTERN = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,13}")
_OTHER_PATTERNS: Final = (
    re.compile(r"GB([0-9]{9}|[0-9]{12}|GD[0-9]{3}|HA[0-9]{3})"),
    re.compile(r"CHE[0-9]{9}(MWST|TVA|IVA)?"),
)
_NORWEGIAN_PATTERN = re.compile(r"(NO)?([0-9]{9})(MVA)?")


def normalize_number(text: str) -> str:
    """Return a VAT number in the form that invoices print.

    Raises VatIdInvalid.
    """
    value = re.sub(r"[\s.\-]", "", text).upper()
    if value[:2] in EUROPEAN_PREFIXES and _EUROPEAN_PATTERN.fullmatch(value):
        return value
    if any(pattern.fullmatch(value) for pattern in _OTHER_PATTERNS):
        return value
    norwegian = _NORWEGIAN_PATTERN.fullmatch(value)
    if norwegian and (value.startswith("NO") or value.endswith("MVA")):
        return f"{norwegian[2]}MVA"
    raise VatIdInvalid
