"""Billing as staff see it: what is sold is theirs to edit, what Stripe holds is looked at."""

from billing.admin import plans, seats, subscriptions

__all__ = ["plans", "seats", "subscriptions"]
