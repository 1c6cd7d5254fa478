"""The admin pages of billing.

Staff edit what is sold; what the provider holds is read-only.
"""

from billing.admin import notices, organizations, plans, seats, subscriptions

__all__ = ["notices", "organizations", "plans", "seats", "subscriptions"]
