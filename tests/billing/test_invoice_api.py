"""Read invoices over HTTP while the worker processes Stripe's events."""

from billing.models import Subscription
from tests.billing.api_calls import find_price_id
from tests.billing.support import build_stripe_client
from tests.billing.test_invoice_amounts import set_tax
from tests.harness.stack import poll


def test_taxed_invoice_and_its_refund_are_shown(api, committed, subscribed_organization):
    acme = subscribed_organization
    token = acme.token("admin")
    live = Subscription.objects.get(organization_id=acme.id)
    set_tax(live.external_id, 19)

    def read_newest():
        path = f"{acme.path}/billing/invoices"
        return api.get(path, token=token).json()["results"][0]

    api.post(
        f"{acme.path}/billing/subscription/change",
        token=token,
        json={"price_id": find_price_id(api, "team_yearly")},
    )
    poll(lambda: read_newest()["tax"], what="a taxed invoice")
    invoice = read_newest()
    assert invoice["subtotal"] + invoice["tax"] == invoice["total"] == invoice["amount_due"]
    assert (invoice["status"], invoice["credited"]) == ("paid", 0)

    external_id = live.invoices.order_by("-issued_at", "-id")[0].external_id
    build_stripe_client().v1.credit_notes.create(
        {"invoice": external_id, "amount": 1_000, "refund_amount": 1_000}
    )

    poll(lambda: read_newest()["credited"], what="the refund")
    assert read_newest() | {"credited": 0} == invoice
    assert read_newest()["credited"] == 1_000
