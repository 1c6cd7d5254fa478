"""Format an amount in minor units for people."""

from typing import Final

# Currencies whose minor unit is not a hundredth: https://docs.stripe.com/currencies#zero-decimal
# and https://docs.stripe.com/currencies#three-decimal. UGX and ISK count in hundredths there.
ZERO_DECIMAL: Final = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
)
THREE_DECIMAL: Final = frozenset("BHD JOD KWD OMR TND".split())


def format_amount(amount: int, currency: str) -> str:
    """Format minor units with their currency, as `1,234.50 USD`."""
    code = currency.upper()
    digits = 0 if code in ZERO_DECIMAL else 3 if code in THREE_DECIMAL else 2
    whole, fraction = divmod(abs(amount), 10**digits)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}{f'.{fraction:0{digits}}' if digits else ''} {code}"
