"""A small shop at the Stripe sandbox.

One product, two prices, and customers who subscribe.
"""

import stripe

from sandbox.stripe.protocol.schemas import find_faults

SUCCESS_URL = "http://127.0.0.1:1/billing?session_id={CHECKOUT_SESSION_ID}"
CANCEL_URL = "http://127.0.0.1:1/billing"


def stripe_client(served, **options):
    """The unmodified SDK, pointed at the sandbox."""
    options = {"http_client": stripe.RequestsClient(timeout=(3.05, 20)), **options}
    return stripe.StripeClient(
        served.settings.stripe_secret_key,
        base_addresses={"api": f"{served.url}/stripe"},
        **options,
    )


class Shop:
    """Valid by default.

    Each test states only what it is about.
    """

    def __init__(self, client, control, receiver):
        self.api = client.v1
        self.control = control
        self.receiver = receiver
        self.product = self.api.products.create({"name": "Team", "unit_label": "seat"})
        self.monthly = self.price(900, "month", lookup_key="team_monthly")
        self.yearly = self.price(9000, "year", lookup_key="team_yearly")

    def price(self, amount, interval, **options):
        return self.api.prices.create(
            {
                "product": self.product.id,
                "currency": "eur",
                "unit_amount": amount,
                "recurring": {"interval": interval},
                **options,
            }
        )

    def customer(self, **options):
        return self.api.customers.create({"name": "Acme", "email": "billing@acme.test", **options})

    def with_card(self, card="pm_card_visa"):
        settings = {"default_payment_method": card}
        return self.customer(payment_method=card, invoice_settings=settings)

    def checkout(self, *, seats=5, customer=None, **options):
        if "customer_email" not in options:
            options["customer"] = customer or self.customer().id
        return self.api.checkout.sessions.create(
            {
                "mode": "subscription",
                "line_items": [{"price": self.monthly.id, "quantity": seats}],
                "success_url": SUCCESS_URL,
                "cancel_url": CANCEL_URL,
                **options,
            }
        )

    def subscribed(self, **options):
        """A subscription, as paying a checkout brings about."""
        session = self.checkout(**options)
        paid = self.control.post(f"/checkout/{session.id}/pay")
        return self.api.subscriptions.retrieve(paid["subscription"])

    def seats(self, subscription, quantity, **options):
        """Change the seats the way the product does."""
        item = subscription.items.data[0].id
        return self.api.subscription_items.update(item, {"quantity": quantity, **options})

    def again(self, subscription):
        return self.api.subscriptions.retrieve(subscription.id)

    def invoices(self, subscription):
        """Newest first."""
        return self.api.invoices.list({"subscription": subscription.id}).data

    def payments_end(self, customer, outcome, **options):
        self.control.post(f"/stripe/customers/{customer}/payment", outcome=outcome, **options)

    def dashboard(self, subscription, **changes):
        return self.control.post(f"/stripe/subscriptions/{subscription.id}", **changes)

    def events(self, **wanted):
        """What the receiver got, once everything due has been sent."""
        self.control.post("/webhooks/drain")
        return self.receiver.events(**wanted)

    def types(self):
        return [event["type"] for event in self.events()]

    def forget_events(self):
        self.events()
        self.receiver.clear()


def check_events(store):
    """Every event a test caused has the shape of its kind, without fields of other versions."""
    for event in store.list_documents("stripe.event"):
        assert find_faults(event) == []
        assert find_faults(event["data"]["object"]) == [], event["type"]
