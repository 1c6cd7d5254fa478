"""Read what is compared, our rows of an organization and what its provider has now."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from billing import providers
from billing.customers import customers
from billing.models import Customer, Invoice, ProviderPrice, Subscription
from billing.providers.types import CustomerSnapshot, PaymentProvider, SubscriptionSnapshot
from billing.seats.snapshot import SeatSnapshot
from billing.subscriptions import subscriptions
from kit.errors import Unavailable
from kit.outbound import VendorNotFound, VendorRejected
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswer:
    """What the provider has of an organization now.

    `error` says why it is not known, and is blank after an answer.
    """

    error: str = ""
    customer: CustomerSnapshot | None = None
    is_customer_unknown: bool = False
    subscriptions: tuple[SubscriptionSnapshot, ...] = ()

    def find_subscription(self, external_id: str) -> SubscriptionSnapshot | None:
        """Return one of the subscriptions by its id."""
        found = (one for one in self.subscriptions if one.external_id == external_id)
        return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingFacts:
    """Our rows of an organization's billing, with the provider's answer."""

    seats: SeatSnapshot
    customer: Customer
    current: Subscription | None
    rows: tuple[Subscription, ...]
    open_invoices: tuple[Invoice, ...]
    provider_name: str
    answer: ProviderAnswer
    our_price_ids: frozenset[str]

    @classmethod
    def read(cls, organization: Organization) -> Self:
        """Read the rows and ask the provider, in at most four calls. Not within a transaction."""
        seats = SeatSnapshot.read(organization)
        customer = customers.get_profile(organization)
        provider = (seats.subscription or customer).provider
        answer = fetch_answer(provider, customer, seats.subscription)
        invoices = Invoice.objects.filter(organization=organization, status=Invoice.Status.OPEN)
        return cls(
            seats=seats,
            customer=customer,
            current=subscriptions.find_current(organization),
            rows=tuple(Subscription.objects.filter(organization=organization)),
            open_invoices=tuple(invoices.select_related("subscription").order_by("issued_at")),
            provider_name=providers.get_display_name(provider) if provider else "",
            answer=answer,
            our_price_ids=_select_our_prices(provider, answer.subscriptions),
        )

    @property
    def live_answer(self) -> SubscriptionSnapshot | None:
        """Return the live subscription as the provider has it now."""
        row = self.seats.subscription
        return self.answer.find_subscription(row.external_id) if row else None

    @property
    def provider_quantity(self) -> int | None:
        """Return the quantity of the seat item at the provider now, None if it is not known."""
        row, found = self.seats.subscription, self.live_answer
        items = found.items if found else ()
        quantities = {item.external_id: item.quantity for item in items}
        return quantities.get(row.external_item_id) if row else None


def fetch_answer(provider: str, customer: Customer, live: Subscription | None) -> ProviderAnswer:
    """Ask the provider for the customer and its subscriptions, and report why it cannot answer."""
    if not provider:
        return ProviderAnswer()
    try:
        return _fetch_objects(providers.get_provider(provider), customer, live)
    except Unavailable as error:
        return ProviderAnswer(error=error.detail)
    except VendorRejected as error:
        name = providers.get_display_name(provider)
        return ProviderAnswer(error=f"{name} refused to answer: {error.code}.")


def _fetch_objects(
    provider: PaymentProvider, customer: Customer, live: Subscription | None
) -> ProviderAnswer:
    found, is_unknown = None, False
    listed: list[SubscriptionSnapshot] = []
    if customer.external_id:
        try:
            found = provider.fetch_customer(customer.external_id)
            listed = provider.list_subscriptions(customer.external_id)
        except VendorNotFound:
            is_unknown = found is None
    if live is not None and live.external_id not in [one.external_id for one in listed]:
        listed += _fetch_if_known(provider, live)
    return ProviderAnswer(
        customer=found, is_customer_unknown=is_unknown, subscriptions=tuple(listed)
    )


def _fetch_if_known(provider: PaymentProvider, row: Subscription) -> list[SubscriptionSnapshot]:
    try:
        return [provider.fetch_subscription(row.external_id)]
    except VendorNotFound:
        return []


def _select_our_prices(provider: str, found: Iterable[SubscriptionSnapshot]) -> frozenset[str]:
    """Return the ids of those prices of the subscriptions that our catalog sells or has sold."""
    price_ids = {item.price_id for one in found for item in one.items}
    ours = ProviderPrice.objects.filter(provider=provider, external_id__in=price_ids)
    return frozenset(ours.values_list("external_id", flat=True))
