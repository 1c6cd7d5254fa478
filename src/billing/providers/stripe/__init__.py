"""Stripe as a payment provider, with its SDK, its errors and its webhooks."""

from django.conf import settings

from billing.providers.stripe.client import StripeProvider
from billing.providers.stripe.webhooks import EVENT_KINDS, SOURCE

__all__ = ["EVENT_KINDS", "SOURCE", "create_provider"]


def create_provider() -> StripeProvider:
    """Create the provider from the settings."""
    return StripeProvider(secret_key=settings.STRIPE_SECRET_KEY, base_url=settings.STRIPE_BASE_URL)
