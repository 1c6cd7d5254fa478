"""Call Stripe through its SDK, with a pinned version, our time limits and no retries of its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import stripe
from stripe import params

from billing.providers.errors import KeySpent, ProviderRefused
from billing.providers.stripe import catalog, pages, parse, portal, previews, requests, tax_ids
from billing.providers.stripe.errors import VENDOR, translate_errors
from billing.providers.stripe.terms import CAPABILITIES, SEAT_TERMS
from billing.providers.types import (
    CatalogPlan,
    CheckoutRequest,
    CheckoutSnapshot,
    CostPreview,
    CustomerSnapshot,
    InvoiceSnapshot,
    ObjectKind,
    Page,
    PeriodPayment,
    PortalReport,
    PriceSnapshot,
    Profile,
    PublishedPrice,
    SeatChangeRequest,
    SubscriptionSnapshot,
)
from kit import outbound

API_VERSION: Final = "2026-10-28.endive"
PAGE_SIZE: Final = 100
RECENT_INVOICES: Final = 10

stripe.enable_telemetry = False


class StripeProvider:
    """Stripe as the PaymentProvider, one per process, shared by its threads."""

    key = VENDOR
    display_name = "Stripe"
    capabilities = CAPABILITIES
    seat_terms = SEAT_TERMS

    def __init__(self, *, secret_key: str, base_url: str = "") -> None:
        # The session enforces the time limits; the SDK's own would be 80 seconds.
        transport = stripe.RequestsClient(session=outbound.create_session())
        client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url.rstrip("/")} if base_url else {},
            http_client=transport,
            max_network_retries=0,
        )
        self._client, self._v1 = client, client.v1
        self._portal = ""

    # ── Customers ────────────────────────────────────────────────────────────────────────────
    def create_customer(self, organization_id: UUID, profile: Profile, *, key: str) -> str:  # noqa: ARG002
        """Create a customer and return its id, the same one for the same key."""
        # The profile is not sent: a changed name under the same key would be refused.
        body: params.CustomerCreateParams = {
            "metadata": {parse.ORGANIZATION_METADATA_KEY: str(organization_id)}
        }
        with translate_errors(is_keyed=True):
            return self._v1.customers.create(body, {"idempotency_key": key}).id

    def fetch_customer(self, customer_id: str) -> CustomerSnapshot:
        """Return the customer with its VAT number, also a deleted one."""
        return parse.parse_customer(self._retrieve_customer(customer_id))

    def update_customer(self, customer_id: str, profile: Profile) -> CustomerSnapshot:
        """Replace the whole profile."""
        body = requests.build_profile(profile)
        with translate_errors():
            found = self._v1.customers.update(customer_id, {**body, "expand": ["tax_ids"]})
        return parse.parse_customer(found.to_dict())

    def set_vat_number(self, customer_id: str, value: str) -> CustomerSnapshot:
        """Replace the VAT number, or remove it with "", and leave other tax numbers alone."""
        known = parse.list_vat_numbers(self._retrieve_customer(customer_id))
        if value and value not in [one.value for one in known]:
            body = cast(
                "params.CustomerTaxIdCreateParams",
                {"type": tax_ids.get_type(value), "value": value},
            )
            with translate_errors():
                self._v1.customers.tax_ids.create(customer_id, body)
        for one in known:
            if one.value != value:
                self._delete_tax_id(customer_id, one.external_id)
        return self.fetch_customer(customer_id)

    def _retrieve_customer(self, customer_id: str) -> dict[str, Any]:
        with translate_errors():
            found = self._v1.customers.retrieve(customer_id).to_dict()
        if not found.get("deleted"):  # which has no tax ids to expand
            with translate_errors():
                listed = self._v1.customers.tax_ids.list(customer_id, {"limit": PAGE_SIZE})
            found["tax_ids"] = listed.to_dict()
        return found

    def _delete_tax_id(self, customer_id: str, tax_id: str) -> None:
        try:
            with translate_errors():
                self._v1.customers.tax_ids.delete(customer_id, tax_id)
        except outbound.VendorNotFound:
            return

    # ── Buying ───────────────────────────────────────────────────────────────────────────────
    def open_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutSnapshot:
        """Create a payment page for a subscription."""
        body = requests.build_checkout(request)
        with translate_errors():
            made = self._v1.checkout.sessions.create(body, {"idempotency_key": key})
        return parse.parse_checkout(made.to_dict())

    def list_open_checkouts(self, customer_id: str) -> list[CheckoutSnapshot]:
        """List the payment pages of a customer that can still be paid, with what they sell."""
        body: params.checkout.SessionListParams = {
            "customer": customer_id,
            "status": "open",
            "limit": PAGE_SIZE,
            "expand": ["data.line_items"],
        }
        with translate_errors():
            found = self._v1.checkout.sessions.list(body)
        return [parse.parse_checkout(entry.to_dict()) for entry in found.data]

    def fetch_checkout(self, checkout_id: str) -> CheckoutSnapshot:
        """Return a payment page as it is now."""
        with translate_errors():
            return parse.parse_checkout(self._v1.checkout.sessions.retrieve(checkout_id).to_dict())

    def close_checkout(self, checkout_id: str) -> None:
        """Close a payment page. Raises ProviderRefused when it was paid meanwhile."""
        with translate_errors():
            self._v1.checkout.sessions.expire(checkout_id)

    def open_portal(self, customer_id: str, *, return_url: str) -> str:
        """Return the short-lived address of the customer portal."""
        if self._portal:
            try:
                return self._create_portal_session(customer_id, return_url)
            except (outbound.VendorNotFound, ProviderRefused):
                pass  # deactivated since this process found it, or the customer is the reason
        self._portal = portal.get_configuration_id(self._client)
        return self._create_portal_session(customer_id, return_url)

    def _create_portal_session(self, customer_id: str, return_url: str) -> str:
        body: params.billing_portal.SessionCreateParams = {
            "customer": customer_id,
            "return_url": return_url,
            "configuration": self._portal,
        }
        with translate_errors():
            return self._v1.billing_portal.sessions.create(body).url

    # ── Subscriptions ────────────────────────────────────────────────────────────────────────
    def fetch_subscription(self, subscription_id: str) -> SubscriptionSnapshot:
        """Return the subscription, also one that has ended."""
        with translate_errors():
            found = self._v1.subscriptions.retrieve(subscription_id)
        return parse.parse_subscription(found.to_dict())

    def list_subscriptions(self, customer_id: str) -> list[SubscriptionSnapshot]:
        """Return all subscriptions of a customer, ended ones included, newest first."""
        body: params.SubscriptionListParams = {
            "customer": customer_id,
            "status": "all",
            "limit": PAGE_SIZE,
        }
        with translate_errors():
            found = self._v1.subscriptions.list(body)
        return [parse.parse_subscription(entry.to_dict()) for entry in found.data]

    def list_page(
        self, kind: ObjectKind, *, after: str = "", since: datetime | None = None
    ) -> Page:
        """Return a hundred customers, invoices, or subscriptions that have not ended."""
        return pages.fetch_page(self._client, kind, after=after, since=since)

    def set_seats(self, request: SeatChangeRequest, *, key: str) -> SubscriptionSnapshot:
        """Set quantity and price.

        Raises KeySpent when this key is of no more use.
        """
        body = requests.build_seat_change(request)
        if request.takes_end_back:
            current = self.fetch_subscription(request.subscription_id)
            body = {**body, **requests.build_end_taken_back(current)}
        with translate_errors(is_keyed=True):
            changed = self._v1.subscriptions.update(
                request.subscription_id, body, {"idempotency_key": key}
            )
        if _is_replayed(changed):
            raise KeySpent
        return parse.parse_subscription(changed.to_dict())

    def schedule_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Schedule the end with the current period."""
        with translate_errors():
            changed = self._v1.subscriptions.update(
                subscription_id, {"cancel_at_period_end": True}, {"idempotency_key": key}
            )
        return parse.parse_subscription(changed.to_dict())

    def cancel_scheduled_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Take back a scheduled end, by the flag or by the date."""
        body = requests.build_end_taken_back(self.fetch_subscription(subscription_id))
        with translate_errors():
            changed = self._v1.subscriptions.update(subscription_id, body, {"idempotency_key": key})
        return parse.parse_subscription(changed.to_dict())

    def resume_collection(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Begin a new period of a paused subscription, which stays paused until that is paid."""
        with translate_errors():
            changed = self._v1.subscriptions.resume(
                subscription_id,
                {"payment_behavior": "resume_on_payment_success"},
                {"idempotency_key": key},
            )
        return parse.parse_subscription(changed.to_dict())

    def cancel_now(
        self, subscription_id: str, *, key: str, credits_rest: bool = False
    ) -> SubscriptionSnapshot:
        """End it at once, with a last invoice for what was used.

        `prorate` credits the rest of the period whether or not it was paid:
        https://docs.stripe.com/billing/subscriptions/prorations
        """
        with translate_errors():
            ended = self._v1.subscriptions.cancel(
                subscription_id,
                {"prorate": credits_rest, "invoice_now": True},
                {"idempotency_key": key},
            )
        return parse.parse_subscription(ended.to_dict())

    def preview_cost(self, request: SeatChangeRequest) -> CostPreview:
        """Return what such a change would cost."""
        current = None
        if request.takes_end_back:
            current = self.fetch_subscription(request.subscription_id)
        return previews.preview_cost(self._client, request, current)

    # ── Invoices ─────────────────────────────────────────────────────────────────────────────
    def fetch_period_payment(self, subscription_id: str) -> PeriodPayment:
        """Return whether the current period was paid."""
        body: params.InvoiceListParams = {"subscription": subscription_id, "limit": RECENT_INVOICES}
        with translate_errors():
            found = self._v1.invoices.list(body)
        return parse.parse_period_payment([invoice.to_dict() for invoice in found.data])

    def list_invoices(self, customer_id: str) -> list[InvoiceSnapshot]:
        """Return the latest hundred invoices of a customer, newest first, without drafts."""
        with translate_errors():
            found = self._v1.invoices.list({"customer": customer_id, "limit": PAGE_SIZE})
        listed = [parse.parse_invoice(entry.to_dict()) for entry in found.data]
        return [one for one in listed if one.status != "draft"]

    def fetch_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """Return the invoice as it is now."""
        with translate_errors():
            return parse.parse_invoice(self._v1.invoices.retrieve(invoice_id).to_dict())

    def void_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """Void an open invoice, which is then never paid.

        Only an open or an uncollectible one can be voided: https://docs.stripe.com/api/invoices/void
        """
        with translate_errors():
            return parse.parse_invoice(self._v1.invoices.void_invoice(invoice_id).to_dict())

    # ── Catalog ──────────────────────────────────────────────────────────────────────────────
    def publish_catalog(self, plans: Sequence[CatalogPlan]) -> Mapping[str, PublishedPrice]:
        """Sell these plans, and return their current prices by lookup key."""
        return catalog.publish_plans(self._client, plans)

    def fetch_price(self, price_id: str) -> PriceSnapshot:
        """Return a price as it is now, also an archived one."""
        with translate_errors():
            found = self._v1.prices.retrieve(price_id, {"expand": ["product"]})
        return parse.parse_price(found.to_dict())

    def sync_portal(self, *, overwrites: bool) -> PortalReport:
        """Create our portal settings, and return what was set by hand."""
        return portal.sync_configuration(self._client, overwrites=overwrites)


def _is_replayed(answer: stripe.StripeObject) -> bool:
    """Return whether this is the stored answer of an earlier call."""
    said = answer.last_response
    return said is not None and said.headers.get("Idempotent-Replayed") == "true"
