"""The port to a payment provider, with our own types."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.seat_rules import Proration


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
    """A customer as the provider has it now."""

    external_id: str
    is_deleted: bool
    organization_hint: str = ""
    profile: Profile = Profile()
    tax_ids: tuple[TaxId, ...] = ()


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
    status: str
    items: tuple[Item, ...]
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    trial_end: datetime | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutSnapshot:
    """A payment page with its address, its expiry and its subscription."""

    external_id: str
    url: str
    expires_at: datetime
    subscription_id: str
    price_ids: tuple[str, ...] = ()  # of the pages listed by `open_checkouts` only


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSnapshot:
    """An invoice as the provider has it now."""

    external_id: str
    customer_id: str
    subscription_id: str
    number: str
    status: str
    total: int
    amount_due: int
    currency: str
    attempts: int
    issued_at: datetime
    hosted_url: str
    pdf_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSnapshot:
    """A price as the provider has it now."""

    external_id: str
    product_id: str
    lookup_key: str
    amount: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatChangeRequest:
    """A quantity to bill, on exactly one item, charged in exactly one way."""

    subscription_id: str
    item_id: str
    quantity: int
    proration: Proration
    proration_date: datetime | None = None
    price_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A payment page to open."""

    organization_id: UUID
    customer_id: str
    price_id: str
    quantity: int
    trial_days: int
    success_url: str
    cancel_url: str


class PaymentProvider(Protocol):
    """Each call may raise VendorUnavailable, VendorRejected or VendorNotFound, and none retries."""

    # Customers
    def create_customer(self, organization_id: UUID, *, key: str) -> str:
        """Create a customer and return its id, the same one for the same key.

        Raises KeySpent.
        """

    def fetch_customer(self, customer_id: str) -> CustomerSnapshot:
        """Return the customer with its tax ids, also a deleted one."""

    def update_customer(self, customer_id: str, profile: Profile) -> CustomerSnapshot:
        """Replace the whole profile."""

    def add_vat_id(self, customer_id: str, *, type: str, value: str) -> TaxId:  # noqa: A002
        """Attach a VAT number. Raises VendorRejected when its format is wrong."""

    def remove_vat_id(self, customer_id: str, tax_id: str) -> None:
        """Detach a VAT number, also one that is gone."""

    # Buying
    def open_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutSnapshot:
        """Create a payment page for a subscription."""

    def list_open_checkouts(self, customer_id: str) -> list[CheckoutSnapshot]:
        """List the payment pages of a customer that can still be paid, with what they sell."""

    def fetch_checkout(self, checkout_id: str) -> CheckoutSnapshot:
        """Return a payment page as it is now."""

    def expire_checkout(self, checkout_id: str) -> None:
        """Close a payment page. Raises VendorRejected when it was paid meanwhile."""

    def open_portal(self, customer_id: str, *, return_url: str) -> str:
        """Return the short-lived address of the customer portal."""

    # Subscriptions
    def fetch_subscription(self, subscription_id: str) -> SubscriptionSnapshot:
        """Return the subscription, also one that has ended."""

    def list_subscriptions(self, customer_id: str) -> list[SubscriptionSnapshot]:
        """Return all subscriptions of a customer, ended ones included, newest first."""

    def set_seats(self, request: SeatChangeRequest, *, key: str) -> SubscriptionSnapshot:
        """Set quantity (and price). Raises KeySpent when this key is of no more use."""

    def schedule_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Let it end with its period."""

    def cancel_scheduled_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Take back a scheduled end."""

    def resume_collection(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Begin a new period of a paused subscription, which stays paused until that is paid."""

    def cancel_now(
        self, subscription_id: str, *, key: str, credits_rest: bool = False
    ) -> SubscriptionSnapshot:
        """End it at once, with a last invoice for what was used.

        With `credits_rest`, the rest of the period is credited: only for a period that was paid.
        """

    def has_open_invoice(self, subscription_id: str) -> bool:
        """Return whether an invoice of the subscription is still to be paid."""

    def preview_due(self, request: SeatChangeRequest) -> tuple[int, str]:
        """Return what the invoice of such a change would ask for, and its currency."""

    # Invoices
    def fetch_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """Return the invoice as it is now."""

    # Catalogue
    def save_product(self, product_id: str, *, name: str, description: str) -> None:
        """Create or rename a product under an id of ours."""

    def fetch_prices(self, lookup_keys: Sequence[str]) -> Mapping[str, PriceSnapshot]:
        """Return the current prices with these lookup keys."""

    def create_price(self, price: PriceSnapshot, *, key: str) -> PriceSnapshot:
        """Create a price, which takes over its lookup key."""

    def configure_portal(self) -> None:
        """Store the portal's settings.

        No quantities, no plan changes, end with the period.
        """
