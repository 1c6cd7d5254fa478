"""The payment provider in use, by `get_provider()`."""

import functools

from django.conf import settings

from billing.providers.stripe.client import StripeProvider
from billing.providers.types import PaymentProvider


def get_provider() -> PaymentProvider:
    """Return the provider of this process, created at first use, after a server has forked."""
    return _create_provider(settings.STRIPE_SECRET_KEY, settings.STRIPE_BASE_URL)


@functools.cache
def _create_provider(secret_key: str, base_url: str) -> PaymentProvider:
    return StripeProvider(secret_key=secret_key, base_url=base_url)
