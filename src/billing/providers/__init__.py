"""The payment provider in use, by `get_provider()`."""

import functools

from django.conf import settings

from billing.providers.stripe.client import StripeGateway
from billing.providers.types import PaymentGateway


def get_provider() -> PaymentGateway:
    """Return the provider of this process, created at first use, after a server has forked."""
    return _create_provider(settings.STRIPE_SECRET_KEY, settings.STRIPE_BASE_URL)


@functools.cache
def _create_provider(secret_key: str, base_url: str) -> PaymentGateway:
    return StripeGateway(secret_key=secret_key, base_url=base_url)
