"""The models of billing.

Customers, plans, subscriptions, invoices, seats and notices.
"""

from billing.models.checkouts import Checkout
from billing.models.customers import Customer
from billing.models.invoices import Invoice
from billing.models.notices import Notice, NoticeKind, NoticeMail
from billing.models.organizations import OrganizationBilling
from billing.models.plans import Feature, FeatureOverride, Plan, PlanFeature, Price, ProviderPrice
from billing.models.seats import SeatAttempt, SeatChange, SeatState
from billing.models.subscriptions import Subscription

__all__ = [
    "Checkout",
    "Customer",
    "Feature",
    "FeatureOverride",
    "Invoice",
    "Notice",
    "NoticeKind",
    "NoticeMail",
    "OrganizationBilling",
    "Plan",
    "PlanFeature",
    "Price",
    "ProviderPrice",
    "SeatAttempt",
    "SeatChange",
    "SeatState",
    "Subscription",
]
