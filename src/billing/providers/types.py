"""The interface of a payment provider, with our own types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from django.db import models

from billing.seat_rules import Proration, SeatTerms
from billing.statuses import Status


class PeriodPayment(StrEnum):
    """Whether the current period of a subscription was paid, so that a rest of it may be credited."""

    PAID = "paid"
    OPEN = "open"  # an invoice is still to be paid
    WRITTEN_OFF = "written_off"  # its invoice, or that of an addition, was voided or uncollectible


class ObjectKind(StrEnum):
    """The kinds of objects a provider's events are about."""

    CUSTOMER = "customer"
    CHECKOUT = "checkout"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    PRICE = "price"
    PRODUCT = "product"


class PreviewKind(models.TextChoices):
    """How good a preview of costs is."""

    EXACT = "exact"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider can do, for services and front ends to ask instead of its name."""

    previews: PreviewKind
    # A preview's moment can be kept, so that the change costs what the screen said.
    fixes_preview_moment: bool
    ends_at_once: bool
    verifies_vat_numbers: bool
    stores_address: bool
    calls_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who pays, as an invoice prints it."""

    name: str = ""
    email: str = ""
    address_line1: str = ""
    address_line2: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxId:
    """A VAT number and its state in the register."""

    external_id: str
    value: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSnapshot:
    """A customer as the provider has it now, with its VAT number.

    Tax numbers of other kinds are not ours to change and are left out.
    """

    external_id: str
    is_deleted: bool
    organization_hint: str = ""
    profile: Profile = Profile()
    vat_number: TaxId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One position of a subscription."""

    external_id: str
    price_id: str
    quantity: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSnapshot:
    """A subscription as the provider has it now."""

    external_id: str
    customer_id: str
    organization_hint: str
    checkout_hint: str = ""
    status: Status | str  # one of ours, or an unknown one as it came
    items: tuple[Item, ...]
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    is_collection_paused: bool = False
    trial_end: datetime | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSnapshot:
    """A payment page with its address, its expiry and its subscription."""

    external_id: str
    url: str
    expires_at: datetime | None
    is_open: bool
    subscription_id: str
    checkout_hint: str = ""
    price_ids: tuple[str, ...] = ()  # of the pages of `list_open_checkouts` only


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSnapshot:
    """An invoice as the provider has it now.

    `total` contains `tax`. `credited` is what credit notes took off it or gave back.
    """

    external_id: str
    customer_id: str
    subscription_id: str
    number: str
    status: str
    total: int
    tax: int = 0
    amount_due: int
    credited: int = 0
    currency: str
    attempts: int
    issued_at: datetime
    hosted_url: str
    pdf_url: str


type Snapshot = CustomerSnapshot | SubscriptionSnapshot | InvoiceSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some objects of the account, and where the next page begins, blank after the last one."""

    snapshots: tuple[Snapshot, ...]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPrice:
    """A price to be sold, by its lookup key."""

    lookup_key: str
    amount: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPlan:
    """A plan to be sold, with its prices."""

    key: str
    name: str
    description: str
    prices: tuple[CatalogPrice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPrice:
    """A price as the provider sells it."""

    external_id: str
    product_id: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSnapshot:
    """A price as the provider has it now."""

    external_id: str
    product_id: str
    is_sold: bool  # neither the price nor its product is archived


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalReport:
    """What was set by hand in the customer portal, in words."""

    changed: tuple[str, ...] = ()  # in our settings
    unused: tuple[str, ...] = ()  # settings of others


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPreview:
    """What a change of seats would cost, in minor units."""

    due_now: int
    due_next_invoice: int
    currency: str
    credited_now: int = 0  # and used by the next invoices


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatChangeRequest:
    """A quantity to bill, on exactly one item, charged in exactly one way."""

    subscription_id: str
    item_id: str
    quantity: int
    proration: Proration
    proration_date: datetime | None = None
    price_id: str | None = None
    # A whole new period from now on, as for another interval. Else the period keeps its end.
    begins_period: bool = False
    takes_end_back: bool = False  # a scheduled end, in the same call where the provider can


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A payment page to open."""

    organization_id: UUID
    checkout_id: UUID
    customer_id: str
    price_id: str
    quantity: int
    trial_days: int
    success_url: str
    cancel_url: str


class PaymentProvider(Protocol):
    """A payment provider.

    Each call may raise VendorUnavailable, ProviderRefused or VendorNotFound, and none retries.
    Amounts are minor units, currencies lower case, statuses ours.
    """

    key: str
    display_name: str
    capabilities: Capabilities
    seat_terms: SeatTerms

    # Customers
    def create_customer(self, organization_id: UUID, profile: Profile, *, key: str) -> str:
        """Create a customer and return its id, the same one for the same key.

        The profile is sent where the provider demands one. Raises KeySpent.
        """

    def fetch_customer(self, customer_id: str) -> CustomerSnapshot:
        """Return the customer with its VAT number, also a deleted one."""

    def update_customer(self, customer_id: str, profile: Profile) -> CustomerSnapshot:
        """Replace the whole profile."""

    def set_vat_number(self, customer_id: str, value: str) -> CustomerSnapshot:
        """Replace the VAT number, or remove it with "", and leave other tax numbers alone.

        The new one is added first, so that a refusal (`TAX_ID_INVALID`) leaves the old one.
        """

    # Buying
    def open_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutSnapshot:
        """Create a payment page for a subscription."""

    def list_open_checkouts(self, customer_id: str) -> list[CheckoutSnapshot]:
        """List the payment pages of a customer that can still be paid, with what they sell."""

    def fetch_checkout(self, checkout_id: str) -> CheckoutSnapshot:
        """Return a payment page as it is now."""

    def close_checkout(self, checkout_id: str) -> None:
        """Close a payment page. Raises ProviderRefused when it was paid meanwhile."""

    def open_portal(self, customer_id: str, *, return_url: str) -> str:
        """Return the short-lived address of the customer portal."""

    # Subscriptions
    def fetch_subscription(self, subscription_id: str) -> SubscriptionSnapshot:
        """Return the subscription, also one that has ended."""

    def list_subscriptions(self, customer_id: str) -> list[SubscriptionSnapshot]:
        """Return all subscriptions of a customer, ended ones included, newest first."""

    def list_page(
        self, kind: ObjectKind, *, after: str = "", since: datetime | None = None
    ) -> Page:
        """Return a hundred customers, invoices, or subscriptions that have not ended.

        `after` is `next` of the page before; with `since`, objects created earlier are left out.
        """

    def set_seats(self, request: SeatChangeRequest, *, key: str) -> SubscriptionSnapshot:
        """Set the quantity, and the price if one is given, and return what is true afterwards.

        It may take two calls. Raises KeySpent when this key is of no more use.
        """

    def schedule_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Let it end with its period."""

    def cancel_scheduled_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Take back a scheduled end."""

    def resume_collection(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Begin a new period of a paused subscription, which stays paused until that is paid."""

    def cancel_now(
        self, subscription_id: str, *, key: str, credits_rest: bool = False
    ) -> SubscriptionSnapshot:
        """End it at once, with a last invoice for what was used, or as soon as the provider can.

        With `credits_rest`, the rest of the period is credited: only for a period that was paid.
        """

    def fetch_period_payment(self, subscription_id: str) -> PeriodPayment:
        """Return whether the current period was paid."""

    def preview_cost(self, request: SeatChangeRequest) -> CostPreview:
        """Return what such a change would cost. Raises ProviderRefused."""

    # Invoices
    def fetch_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """Return the invoice as it is now."""

    def void_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """Void an open invoice, which is then never paid. Raises ProviderRefused for another."""

    def list_invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        """Return the latest hundred invoices of a customer, newest first, without drafts."""

    # Catalog
    def publish_catalog(self, plans: Sequence[CatalogPlan]) -> Mapping[str, PublishedPrice]:
        """Sell these plans, and return their current prices by lookup key.

        A price that differs is replaced by a new one. Publishing again changes nothing.
        """

    def sync_portal(self, *, overwrites: bool) -> PortalReport:
        """Create our settings of the customer portal, and return what was set by hand.

        What was changed by hand is kept, unless it `overwrites`.
        """

    def fetch_price(self, price_id: str) -> PriceSnapshot:
        """Return a price as it is now, also an archived one. Raises VendorNotFound."""
