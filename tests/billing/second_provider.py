"""A second payment provider for tests: the sandbox's Stripe under another key."""

from django.conf import settings

from billing.providers.stripe.client import StripeProvider
from billing.providers.stripe.webhooks import EVENT_KINDS

__all__ = ["EVENT_KINDS", "SecondProvider", "create_provider"]

KEY = "second"


class SecondProvider(StripeProvider):
    """Stripe's sandbox as a provider of another name, which may refuse a quantity for now."""

    key = KEY
    display_name = "Second Pay"

    def __init__(self, **options):
        super().__init__(**options)
        self.refusals = []

    def set_seats(self, request, *, key):
        if self.refusals:
            raise self.refusals.pop(0)
        return super().set_seats(request, key=key)


def create_provider():
    """Create the provider from the settings of Stripe's sandbox."""
    return SecondProvider(secret_key=settings.STRIPE_SECRET_KEY, base_url=settings.STRIPE_BASE_URL)
