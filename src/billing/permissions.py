"""The permissions about plans, seats and payment."""

from kit.permissions import ADMIN_ROLES, ALL_ROLES, declare_permission

declare_permission("subscription.read", ALL_ROLES, "See the plan and its features.")
declare_permission("seats.read", ALL_ROLES, "See how many seats are used.")
declare_permission(
    "seats.manage", ADMIN_ROLES, "Preview seat costs, see their history, request a sync."
)
declare_permission("billing.read", ADMIN_ROLES, "See the billing profile and the invoices.")
declare_permission(
    "billing.manage", ADMIN_ROLES, "Change the billing profile, buy, change or cancel the plan."
)
