"""Billing's only door to Stripe: `gateway.current()`."""

import functools

from django.conf import settings

from billing.providers.stripe.client import StripeGateway
from billing.providers.types import PaymentGateway


def current() -> PaymentGateway:
    """The gateway of this process; made on first use, because the SDK must not cross a fork."""
    return _made(settings.STRIPE_SECRET_KEY, settings.STRIPE_BASE_URL)


@functools.cache
def _made(secret_key: str, base_url: str) -> PaymentGateway:
    return StripeGateway(secret_key=secret_key, base_url=base_url)
