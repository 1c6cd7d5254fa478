"""Compare the invoices of many random histories with a model of the rules."""

from collections import Counter

import pytest

from tests.billing.money_histories import MoneyHistory, check_money

pytestmark = pytest.mark.soak


def test_histories_cost_what_the_rules_say(own_sandbox, money_prices, request, capsys):
    count, operations = request.config.getoption("histories"), Counter()
    first = request.config.getoption("first_seed")
    for seed in range(first, first + count):
        history = MoneyHistory(own_sandbox, seed, money_prices).run()
        check_money(history)
        operations.update(history.operations)

    with capsys.disabled():
        print(f"\n{count} organizations cost what the rules say: {dict(operations)}")  # noqa: T201
