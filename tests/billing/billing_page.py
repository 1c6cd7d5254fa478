"""Open the admin page of an organization's billing, and edit at Stripe what it compares."""

from django.urls import reverse

from tests.billing.support import build_stripe_client


class BillingPage:
    """Open one organization's billing page, and press its buttons."""

    def __init__(self, browser, acme):
        self.browser = browser
        self.address = reverse("admin:billing_organizationbilling_change", args=[acme.row.pk])
        self.repair_address = reverse(
            "admin:billing_organizationbilling_repair", args=[acme.row.pk]
        )

    def open(self):
        self.answer = self.browser.get(self.address)
        assert self.answer.status_code == 200
        return self

    def press(self, remedy):
        """Press a button that the page shows now, and open the page that follows."""
        assert f'name="remedy" value="{remedy}"' in self.open().text
        self.answer = self.browser.post(self.repair_address, {"remedy": remedy}, follow=True)
        return self

    @property
    def text(self):
        return " ".join(self.answer.content.decode().split())

    @property
    def codes(self):
        return [diagnosis.code for diagnosis in self.answer.context["diagnoses"]]

    @property
    def numbers(self):
        """Return the seats counted, to be billed, stored, and billed by the provider now."""
        facts = self.answer.context["facts"]
        row = facts.seats.subscription
        stored = row.quantity if row else None
        return (
            facts.seats.count.counted,
            facts.seats.inputs.target,
            stored,
            facts.provider_quantity,
        )


def edit_quantity(acme, quantity):
    """Edit the quantity at Stripe, without an event that arrives here."""
    item = {"id": acme.subscription.external_item_id, "quantity": quantity}
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"items": [item], "proration_behavior": "none"}
    )
