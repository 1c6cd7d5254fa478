"""Compare the invoices of a random history with a model of the rules."""

from tests.billing.money_histories import MoneyHistory, check_money

SEED = 4  # it takes an end back, returns to paid seats and crosses a renewal


def test_history_costs_what_the_rules_say(own_sandbox, money_prices):
    check_money(MoneyHistory(own_sandbox, SEED, money_prices).run())
