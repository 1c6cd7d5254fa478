"""What the contract suite of payment providers needs from each provider's sandbox.

A further provider adds a class with the same methods, and an entry in `ADAPTERS`.
"""

import json
import secrets
import time

import stripe
from django.conf import settings

from billing import providers
from billing.models import ProviderPrice
from billing.providers.errors import Refusal
from billing.statuses import Status
from tests.billing.support import LANDING, build_stripe_client, create_plan_price


class StripeAdapter:
    """Act as a buyer, as staff in Stripe's dashboard, and as a network that fails."""

    key = "stripe"
    # The statuses that a subscription can get in the sandbox, in Stripe's own words.
    statuses = {
        "trialing": Status.TRIALING,
        "active": Status.ACTIVE,
        "past_due": Status.PAST_DUE,
        "unpaid": Status.UNPAID,
        "paused": Status.PAUSED,
        "canceled": Status.CANCELED,
    }
    invalid_vat_number = "DE1"
    other_tax_number = {"type": "us_ein", "value": "12-3456789"}

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.client = build_stripe_client().v1

    @property
    def provider(self):
        return providers.get_provider(self.key)

    def create_price(self, **terms):
        """Create a price in our tables that the provider sells, and return its id there."""
        price = create_plan_price(**terms)
        return ProviderPrice.objects.get(price=price).external_id

    # ── what people do ───────────────────────────────────────────────────────────────────────
    def pay(self, checkout_id):
        self.sandbox.post(f"/checkout/{checkout_id}/pay")

    def move_to(self, subscription_id, word):
        """Bring a running subscription to a status, named in the provider's own word."""
        self.sandbox.post(f"/stripe/subscriptions/{subscription_id}", status=word)

    def schedule_end_on_a_date(self, subscription_id):
        at = int(time.time()) + 86_400
        self.client.subscriptions.update(subscription_id, {"cancel_at": at})

    def add_other_tax_number(self, customer_id):
        self.client.customers.tax_ids.create(customer_id, self.other_tax_number)

    def count_other_tax_numbers(self, customer_id):
        listed = self.client.customers.tax_ids.list(customer_id).data
        return sum(entry.type == self.other_tax_number["type"] for entry in listed)

    def delete_customer(self, customer_id):
        self.client.customers.delete(customer_id)

    def archive_price(self, price_id, *, active=False):
        self.client.prices.update(price_id, {"active": active})

    # ── what a network and a provider do ─────────────────────────────────────────────────────
    def fail_next_change(self, **fault):
        """Let the next change of a subscription fail, before or after it took effect."""
        self.sandbox.post(
            "/faults", vendor="stripe", path="/v1/subscriptions/", method="POST", **fault
        )

    def lose_next_answer(self):
        self.fail_next_change(drop=True, after_effect=True)

    def limit_next_change(self, *, seconds):
        self.fail_next_change(status=429, headers={"Retry-After": str(seconds)})

    def answer_next_change(self, subscription_id):
        """Let the next change answer with the subscription as it is, without an effect."""
        found = self.client.subscriptions.retrieve(subscription_id).to_dict()
        self.fail_next_change(status=200, body=json.loads(json.dumps(found, default=str)))

    def answer_with_upper_case_currency(self, invoice_id):
        """Write the currency of an invoice in capitals in the next answer with it."""
        found = self.client.invoices.retrieve(invoice_id).to_dict()
        body = json.loads(json.dumps(found, default=str)) | {"currency": found["currency"].upper()}
        self.sandbox.post(
            "/faults",
            vendor="stripe",
            path=f"/v1/invoices/{invoice_id}$",
            method="GET",
            status=200,
            body=body,
        )

    def refuse_next_change(self, refusal):
        """Refuse the next change in the provider's word for one of our refusals."""
        code = {
            Refusal.PAYMENT_DECLINED: "card_declined",
            Refusal.NOTHING_UPCOMING: "invoice_upcoming_none",
            Refusal.OTHER: "parameter_invalid_integer",
        }[refusal]
        error = {"type": "invalid_request_error", "code": code, "message": "No."}
        self.fail_next_change(status=400, body={"error": error})

    # ── webhooks ─────────────────────────────────────────────────────────────────────────────
    def build_event(self, type_, object_id, *, hint=""):
        """Return the body of an event about an object."""
        thing = {"id": object_id, "metadata": {"organization_id": hint}}
        for prefix, owner in {"customer.tax_id.": "customer", "credit_note.": "invoice"}.items():
            if type_.startswith(prefix):  # about the object it belongs to
                thing = {"id": "part_1", owner: object_id}
        event = {
            "id": f"evt_{secrets.token_hex(8)}",
            "object": "event",
            "type": type_,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": thing},
        }
        return json.dumps(event).encode()

    def sign(self, body, *, secret="", age=0):
        """Return the headers of a delivery."""
        header = stripe.WebhookSignature.generate_signature_header(
            body.decode(),
            secret or settings.STRIPE_WEBHOOK_SECRET,
            timestamp=int(time.time()) - age,
        )
        return {"Stripe-Signature": header}

    redirect_url = LANDING


ADAPTERS = {"stripe": StripeAdapter}
