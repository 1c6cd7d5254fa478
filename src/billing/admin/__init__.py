"""Billing as staff see it: what is sold is theirs to edit, what Stripe holds is looked at."""

from billing.admin import agreements, catalogue, seats

__all__ = ["agreements", "catalogue", "seats"]
