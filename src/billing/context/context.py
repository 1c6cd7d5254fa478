"""Build the subscription context, what a single-page app needs at start."""

from datetime import datetime
from typing import Any

from billing import front_end, statuses
from billing.customers import customers
from billing.entitlements import entitlements
from billing.models import Customer, Subscription
from billing.subscriptions import subscriptions
from identity.models import User
from identity.sessions.authenticate import RequestContext
from tenancy.models import Organization


def build_context(*, organization: Organization, context: RequestContext) -> dict[str, Any]:
    """Return the user, the organization, its subscription and its features.

    The billing address and the provider's ids are for those who may read billing, the addresses of
    billing pages for those who may manage it.
    """
    stand = entitlements.get_plan_in_force(organization)
    features = entitlements.resolve_features(stand)
    subscription = subscriptions.find_current(organization)
    customer = customers.get_profile(organization)
    may_read = "billing.read" in context.permissions
    url = front_end.get_billing_url(organization) or None
    billing_url = url if "billing.manage" in context.permissions else None
    return {
        "user": _build_user(context.member.user, subscription)
        | _build_billing_ids(subscription if may_read else None, customer if may_read else None),
        "organization": organization,
        "subscription": subscription,
        "is_premium": stand.agreed is not None and stand.in_force == stand.agreed,
        "features": {key: found.has_access for key, found in features.items()},
        "upgrade_url": billing_url,
        "customer_portal_url": billing_url if customer.external_id else None,
    }


def _build_user(user: User, subscription: Subscription | None) -> dict[str, Any]:
    known = subscription.price if subscription else None
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "subscription_status": statuses.map_account_status(
            subscription.status if subscription else None,
            is_ending=subscription.is_ending if subscription else False,
        ),
        "subscription_start_date": subscription.started_at if subscription else None,
        "subscription_end_date": _get_end_date(subscription),
        "plan_id": known.plan.key if known else None,
        "subscription_updated_at": subscription.pulled_at if subscription else None,
    }


def _build_billing_ids(
    subscription: Subscription | None, customer: Customer | None
) -> dict[str, Any]:
    return {
        "subscription_id": subscription.external_id if subscription else None,
        "customer_id": customer.external_id or None if customer else None,
        "billing_email": customer.billing_email or None if customer else None,
    }


def _get_end_date(subscription: Subscription | None) -> datetime | None:
    return (subscription.ended_at or subscription.ends_at) if subscription else None
