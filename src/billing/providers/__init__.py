"""The payment providers of this installation.

`settings.BILLING_PROVIDERS` names the configured ones. New customers go to the first; a row that has
a provider stays with it.
"""

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

from django.conf import settings

from billing.providers.types import Capabilities, ObjectKind, PaymentProvider, PeriodPayment
from billing.seat_rules import NO_TERMS, SeatTerms
from kit import locks
from kit.errors import Unavailable
from webhooks.inbound.registry import Source


class ProviderModule(Protocol):
    """What the package of a provider offers."""

    SOURCE: Source
    EVENT_KINDS: Mapping[str, ObjectKind]

    def create_provider(self) -> PaymentProvider:
        """Create the provider from the settings."""


# Where each provider lives. An entry here and a name in the settings are all it takes.
PACKAGES = {"stripe": "billing.providers.stripe"}


class ProviderNotConfigured(Unavailable):
    """This payment provider is not configured here.

    The operator has taken the provider out of the settings; tell them.
    """


def get_provider(key: str) -> PaymentProvider:
    """Return a provider by its key, created at first use, after a server has forked.

    Raises ProviderNotConfigured for a row whose provider was taken out of the settings.
    """
    if key not in settings.BILLING_PROVIDERS:
        raise ProviderNotConfigured(f"{key or 'No provider'} is not in BILLING_PROVIDERS.")
    return _create_provider(key)


def get_default_provider() -> PaymentProvider:
    """Return the provider of new customers."""
    return get_provider(settings.BILLING_PROVIDERS[0])


def list_providers() -> list[PaymentProvider]:
    """Return every configured provider, the default first."""
    return [get_provider(key) for key in settings.BILLING_PROVIDERS]


def get_seat_terms(key: str) -> SeatTerms:
    """Return what a provider accepts, nothing if it is not configured."""
    return get_provider(key).seat_terms if key in settings.BILLING_PROVIDERS else NO_TERMS


def get_capabilities(key: str) -> Capabilities:
    """Return what a provider can do, for one that is not configured what the default can."""
    known = key in settings.BILLING_PROVIDERS
    return (get_provider(key) if known else get_default_provider()).capabilities


def get_display_name(key: str) -> str:
    """Return the name of a provider as people know it, also of one that is not configured."""
    return get_provider(key).display_name if key in settings.BILLING_PROVIDERS else key.capitalize()


def get_package(key: str) -> ProviderModule:
    """Return the package of a provider."""
    return import_module(PACKAGES[key])


def is_period_paid(provider: str, subscription_id: str) -> bool:
    """Return whether the current period of a subscription was paid, so that a credit is due."""
    payment = get_provider(provider).fetch_period_payment(subscription_id)
    return payment is PeriodPayment.PAID


def hold_lock(
    provider: str, kind: ObjectKind, external_id: str, *, wait_seconds: float | None = None
) -> AbstractContextManager[None]:
    """Hold one object at a provider alone, as the job that processes its events does."""
    return locks.hold_vendor_object(provider, kind, external_id, wait_seconds=wait_seconds)


@functools.cache
def _create_provider(key: str) -> PaymentProvider:
    return get_package(key).create_provider()
