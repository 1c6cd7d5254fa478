"""Check how amounts are written."""

import pytest

from billing.money import format_amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "usd", "1,234.50 USD"),
        (5, "eur", "0.05 EUR"),
        (-250, "eur", "-2.50 EUR"),
        (1200, "jpy", "1,200 JPY"),
        (1500, "kwd", "1.500 KWD"),
    ],
)
def test_amount_has_the_decimals_of_its_currency(amount, currency, text):
    assert format_amount(amount, currency) == text
