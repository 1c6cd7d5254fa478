"""Provide the fixtures of billing to the long tests."""

from tests.billing.conftest import money_prices, own_sandbox, paused_worker

__all__ = ["money_prices", "own_sandbox", "paused_worker"]
