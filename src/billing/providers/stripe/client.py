"""Stripe through its own SDK: pinned version, our time limits, no retries but ours."""

from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import stripe
from stripe import params

from billing.providers.errors import KeySpent
from billing.providers.stripe import parse, requests
from billing.providers.stripe.errors import calling
from billing.providers.types import (
    CheckoutRequest,
    CheckoutSnapshot,
    CustomerSnapshot,
    InvoiceSnapshot,
    PriceSnapshot,
    Profile,
    SeatChangeRequest,
    SubscriptionSnapshot,
    TaxId,
)
from kit import outbound

API_VERSION: Final = "2026-10-28.endive"
MOST: Final = 100

stripe.enable_telemetry = False


class StripeGateway:
    """The PaymentGateway of Stripe; one per process, safe to share among threads."""

    def __init__(self, *, secret_key: str, base_url: str = "") -> None:
        # The session enforces the time limits; the SDK's own would be 80 seconds.
        transport = stripe.RequestsClient(session=outbound.session())
        client = stripe.StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url.rstrip("/")} if base_url else {},
            http_client=transport,
            max_network_retries=0,
        )
        self._v1 = client.v1
        self._portal = ""

    # ── Customers ────────────────────────────────────────────────────────────────────────────
    def create_customer(self, organization_id: UUID, *, key: str) -> str:
        """A new customer's id; the same one for the same key, unless Stripe's error spent it."""
        # Nothing else is sent: a changed name under the same key would be refused.
        body: params.CustomerCreateParams = {"metadata": {parse.ORGANIZATION: str(organization_id)}}
        with calling(is_keyed=True):
            return self._v1.customers.create(body, {"idempotency_key": key}).id

    def fetch_customer(self, customer_id: str) -> CustomerSnapshot:
        """The customer with its tax ids; a deleted one is found, and says so."""
        with calling():
            found = self._v1.customers.retrieve(customer_id).to_dict()
        if not found.get("deleted"):  # which has no tax ids to expand
            with calling():
                tax_ids = self._v1.customers.tax_ids.list(customer_id, {"limit": MOST})
            found["tax_ids"] = tax_ids.to_dict()
        return parse.customer(found)

    def update_customer(self, customer_id: str, profile: Profile) -> CustomerSnapshot:
        """Replace the whole profile."""
        body = requests.profile(profile)
        with calling():
            found = self._v1.customers.update(customer_id, {**body, "expand": ["tax_ids"]})
        return parse.customer(found.to_dict())

    def add_vat_id(self, customer_id: str, *, type: str, value: str) -> TaxId:  # noqa: A002
        """Attach a VAT number. Raises VendorRejected when its format is wrong."""
        body = cast("params.CustomerTaxIdCreateParams", {"type": type, "value": value})
        with calling():
            made = self._v1.customers.tax_ids.create(customer_id, body)
        return parse.tax_id(made.to_dict())

    def remove_vat_id(self, customer_id: str, tax_id: str) -> None:
        """Detach a VAT number; one that is gone is fine."""
        try:
            with calling():
                self._v1.customers.tax_ids.delete(customer_id, tax_id)
        except outbound.VendorNotFound:
            return

    # ── Buying ───────────────────────────────────────────────────────────────────────────────
    def open_checkout(self, request: CheckoutRequest, *, key: str) -> CheckoutSnapshot:
        """A payment page for a subscription."""
        body = requests.checkout(request)
        with calling():
            made = self._v1.checkout.sessions.create(body, {"idempotency_key": key})
        return parse.checkout(made.to_dict())

    def open_checkouts(self, customer_id: str) -> list[CheckoutSnapshot]:
        """List the payment pages of a customer that can still be paid, with what they sell."""
        body: params.checkout.SessionListParams = {
            "customer": customer_id,
            "status": "open",
            "limit": MOST,
            "expand": ["data.line_items"],
        }
        with calling():
            found = self._v1.checkout.sessions.list(body)
        return [parse.checkout(entry.to_dict()) for entry in found.data]

    def fetch_checkout(self, checkout_id: str) -> CheckoutSnapshot:
        """A payment page, as it is now."""
        with calling():
            return parse.checkout(self._v1.checkout.sessions.retrieve(checkout_id).to_dict())

    def expire_checkout(self, checkout_id: str) -> None:
        """Close a payment page. Raises VendorRejected when it was paid meanwhile."""
        with calling():
            self._v1.checkout.sessions.expire(checkout_id)

    def open_portal(self, customer_id: str, *, return_url: str) -> str:
        """Where the customer sees invoices and payment methods; short-lived, never stored."""
        if not self._portal:
            self.put_portal()
        body: params.billing_portal.SessionCreateParams = {
            "customer": customer_id,
            "return_url": return_url,
            "configuration": self._portal,
        }
        with calling():
            return self._v1.billing_portal.sessions.create(body).url

    # ── Subscriptions ────────────────────────────────────────────────────────────────────────
    def fetch_subscription(self, subscription_id: str) -> SubscriptionSnapshot:
        """The subscription, also one that has ended."""
        with calling():
            found = self._v1.subscriptions.retrieve(subscription_id)
        return parse.subscription(found.to_dict())

    def subscriptions_of(self, customer_id: str) -> list[SubscriptionSnapshot]:
        """All subscriptions of a customer, ended ones included, newest first."""
        body: params.SubscriptionListParams = {
            "customer": customer_id,
            "status": "all",
            "limit": MOST,
        }
        with calling():
            found = self._v1.subscriptions.list(body)
        return [parse.subscription(entry.to_dict()) for entry in found.data]

    def set_seats(self, request: SeatChangeRequest, *, key: str) -> SubscriptionSnapshot:
        """Set quantity (and price). Raises KeySpent when this key is of no more use."""
        body = requests.seats(request)
        with calling(is_keyed=True):
            changed = self._v1.subscriptions.update(
                request.subscription_id, body, {"idempotency_key": key}
            )
        if _is_replayed(changed):
            raise KeySpent
        return parse.subscription(changed.to_dict())

    def schedule_end(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Let it end with its period."""
        with calling():
            changed = self._v1.subscriptions.update(
                subscription_id, {"cancel_at_period_end": True}, {"idempotency_key": key}
            )
        return parse.subscription(changed.to_dict())

    def keep(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Take back a scheduled end, whichever of the two ways it was scheduled."""
        current = self.fetch_subscription(subscription_id)
        body: params.SubscriptionUpdateParams = (
            {"cancel_at_period_end": False} if current.cancel_at_period_end else {"cancel_at": ""}
        )
        with calling():
            changed = self._v1.subscriptions.update(subscription_id, body, {"idempotency_key": key})
        return parse.subscription(changed.to_dict())

    def unpause(self, subscription_id: str, *, key: str) -> SubscriptionSnapshot:
        """Begin a new period of a paused one; it stays paused until that is paid."""
        with calling():
            changed = self._v1.subscriptions.resume(
                subscription_id,
                {"payment_behavior": "resume_on_payment_success"},
                {"idempotency_key": key},
            )
        return parse.subscription(changed.to_dict())

    def end_now(
        self, subscription_id: str, *, key: str, credits_rest: bool = False
    ) -> SubscriptionSnapshot:
        """End it at once, with a last invoice for what was used.

        `prorate` credits the rest of the period whether or not it was paid:
        https://docs.stripe.com/billing/subscriptions/prorations
        """
        with calling():
            ended = self._v1.subscriptions.cancel(
                subscription_id,
                {"prorate": credits_rest, "invoice_now": True},
                {"idempotency_key": key},
            )
        return parse.subscription(ended.to_dict())

    def preview_due(self, request: SeatChangeRequest) -> tuple[int, str]:
        """What the invoice of such a change would ask for, and its currency."""
        with calling():
            invoice = self._v1.invoices.create_preview(requests.preview(request))
        return invoice.amount_due, invoice.currency

    # ── Invoices ─────────────────────────────────────────────────────────────────────────────
    def has_open_invoice(self, subscription_id: str) -> bool:
        """Return whether an invoice of the subscription is still to be paid."""
        body: params.InvoiceListParams = {
            "subscription": subscription_id,
            "status": "open",
            "limit": 1,
        }
        with calling():
            return bool(self._v1.invoices.list(body).data)

    def fetch_invoice(self, invoice_id: str) -> InvoiceSnapshot:
        """The invoice, as it is now."""
        with calling():
            return parse.invoice(self._v1.invoices.retrieve(invoice_id).to_dict())

    # ── Catalogue ────────────────────────────────────────────────────────────────────────────
    def put_product(self, product_id: str, *, name: str, description: str) -> None:
        """Create or rename a product under an id of ours."""
        try:
            with calling():
                self._v1.products.update(product_id, {"name": name, "description": description})
        except outbound.VendorNotFound:
            with calling():
                self._v1.products.create(
                    {"id": product_id, "name": name, "description": description}
                )

    def prices_by_key(self, lookup_keys: Sequence[str]) -> Mapping[str, PriceSnapshot]:
        """The current prices with these lookup keys."""
        found: dict[str, PriceSnapshot] = {}
        for start in range(0, len(lookup_keys), 10):  # Stripe takes ten at a time
            some = list(lookup_keys[start : start + 10])
            with calling():
                page = self._v1.prices.list({"lookup_keys": some, "limit": MOST, "active": True})
            for entry in page.data:
                price = parse.price(entry.to_dict())
                found[price.lookup_key] = price
        return found

    def create_price(self, price: PriceSnapshot, *, key: str) -> PriceSnapshot:
        """A new price; it takes its lookup key over from an older one."""
        body = requests.price(price)
        with calling():
            made = self._v1.prices.create(body, {"idempotency_key": key})
        return parse.price(made.to_dict())

    def put_portal(self) -> None:
        """The portal's settings: no quantities, no plan changes, end with the period."""
        with calling():
            known = self._v1.billing_portal.configurations.list({"active": True, "limit": MOST})
        ours = [entry.id for entry in known.data if requests.is_our_portal(entry.to_dict())]
        with calling():
            if ours:
                body = cast("params.billing_portal.ConfigurationUpdateParams", requests.portal())
                self._portal = self._v1.billing_portal.configurations.update(ours[0], body).id
            else:
                self._portal = self._v1.billing_portal.configurations.create(requests.portal()).id


def _is_replayed(answer: stripe.StripeObject) -> bool:
    """Whether this is the stored answer of an earlier call: somebody may have changed it since."""
    said = answer.last_response
    return said is not None and said.headers.get("Idempotent-Replayed") == "true"
