"""The admin pages of billing.

Staff edit what is sold; what the provider holds is read-only.
"""

from billing.admin import plans, seats, subscriptions

__all__ = ["plans", "seats", "subscriptions"]
