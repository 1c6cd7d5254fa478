"""Build the subscription context, what a single-page app needs at start."""

from datetime import datetime
from typing import Any

from django.conf import settings

from billing import statuses
from billing.customers import customers
from billing.entitlements import entitlements
from billing.models import Customer, Subscription
from billing.subscriptions import subscriptions
from identity.models import User
from tenancy.models import Organization


def build_context(*, organization: Organization, user: User) -> dict[str, Any]:
    """Return the user, the organization, its subscription and its features."""
    stand = entitlements.get_plan_in_force(organization)
    features = entitlements.resolve_features(stand)
    subscription = subscriptions.find_current(organization)
    address = f"{settings.PUBLIC_URL}/v1/organizations/{organization.slug}/billing"
    return {
        "user": _build_user(user, subscription, customers.get_profile(organization)),
        "organization": organization,
        "subscription": subscription,
        "is_premium": stand.agreed is not None and stand.in_force == stand.agreed,
        "features": {key: found.has_access for key, found in features.items()},
        "upgrade_url": f"{address}/checkout",
        "customer_portal_url": f"{address}/portal",
    }


def _build_user(
    user: User, subscription: Subscription | None, customer: Customer
) -> dict[str, Any]:
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
        "subscription_id": subscription.external_id if subscription else None,
        "customer_id": customer.external_id or None,
        "billing_email": customer.billing_email or None,
        "subscription_start_date": subscription.started_at if subscription else None,
        "subscription_end_date": _get_end_date(subscription),
        "plan_id": known.plan.key if known else None,
        "subscription_updated_at": subscription.pulled_at if subscription else None,
    }


def _get_end_date(subscription: Subscription | None) -> datetime | None:
    return (subscription.ended_at or subscription.ends_at) if subscription else None
