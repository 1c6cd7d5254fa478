"""The permissions about plans, seats and payment."""

from kit.permissions import ADMINS, ALL_ROLES, declare

declare("subscription.read", ALL_ROLES, "See the plan and its features.")
declare("seats.read", ALL_ROLES, "See how many seats are used.")
declare("seats.manage", ADMINS, "Preview seat costs, see their history, request a sync.")
declare("billing.read", ADMINS, "See the billing profile and the invoices.")
declare("billing.manage", ADMINS, "Change the billing profile, buy, change or cancel the plan.")
