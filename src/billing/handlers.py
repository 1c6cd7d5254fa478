"""Handle inbound events of payment providers by fetching the object again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from billing import providers
from billing.customers import customers
from billing.invoices import invoices
from billing.models import Checkout, Customer, Invoice, ProviderPrice, Subscription
from billing.plans import provider_prices
from billing.providers.types import ObjectKind
from billing.subscriptions import payment_pages, subscriptions
from kit.outbound import VendorNotFound
from webhooks.inbound import registry
from webhooks.inbound.registry import Ignored, ReceivedEvent, RetryLater
from webhooks.inbound.services import process

type Owned = Checkout | Customer | Invoice | Subscription
type Pull = Callable[[str, str], Owned | ProviderPrice | None]

# An object still not found this long after its event was deleted; before, it may be late.
GONE_AFTER: Final = timedelta(minutes=10)
GONE_RETRY_SECONDS: Final = 60

# How the object of an event is fetched and stored, by its kind: provider and external id.
PULL_BY_KIND: Final[dict[ObjectKind, Pull]] = {
    ObjectKind.CUSTOMER: customers.pull_customer,
    ObjectKind.CHECKOUT: payment_pages.complete_checkout,
    ObjectKind.SUBSCRIPTION: subscriptions.pull_subscription,
    ObjectKind.INVOICE: invoices.pull_invoice,
    ObjectKind.PRICE: provider_prices.pull_price,
    ObjectKind.PRODUCT: provider_prices.pull_product,
}


def register_providers() -> None:
    """Register the webhooks of every configured provider with their handlers."""
    for key in settings.BILLING_PROVIDERS:
        package = providers.get_package(key)
        registry.register_source(package.SOURCE)
        for type_, kind in package.EVENT_KINDS.items():
            registry.handles_events(key, type_, kind=kind)(_build_handler(kind))


def _build_handler(kind: ObjectKind) -> registry.Handler:
    def pull_object(received: ReceivedEvent) -> None:
        try:
            row = PULL_BY_KIND[kind](received.source, received.object_key)
        except VendorNotFound as error:
            if timezone.now() - received.occurred_at < GONE_AFTER:
                raise RetryLater(GONE_RETRY_SECONDS) from error
            raise Ignored(f"{kind} is gone at the provider") from error
        if row is None:
            raise Ignored(f"{kind} of no organization here")
        if isinstance(row, ProviderPrice):  # which all organizations share
            return
        process.link_to_organization(received, organization_id=row.organization_id)

    return pull_object


register_providers()
