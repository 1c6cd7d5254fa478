"""Compare whole accounts with our rows, a page at a time."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from billing import tasks
from billing.customers import customers
from billing.models import Checkout, Customer, Invoice, SeatState, Subscription
from billing.providers.types import ObjectKind
from billing.seat_sync import nightly, reconcile
from tests.billing.support import build_stripe_client, find_waiting_jobs


def run_comparison(kind):
    """Compare all pages of one kind of object at Stripe, as the jobs of a night would."""
    started_at, after = timezone.now(), ""
    while True:
        nightly.compare_page(provider="stripe", kind=kind, after=after, started_at=started_at)
        job = find_waiting_jobs("billing.compare_page", started_at=started_at.isoformat()).last()
        if job is None or job.args["cursor"] == after:
            return
        after = job.args["cursor"]


def list_jobs(task, external_id):
    return find_waiting_jobs(task, external_id=external_id)


def test_equal_objects_cost_one_call_and_no_job(create_organization):
    acme = create_organization(seats=2).subscribe()
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    since = datetime.now(UTC).isoformat()

    for kind in nightly.KINDS:
        run_comparison(kind)

    listed = [one for one in acme.sandbox.requests("stripe") if one["at"] > since]
    assert {request["path"] for request in listed} == {
        "/v1/customers",
        "/v1/subscriptions",
        "/v1/invoices",
    }
    assert not list_jobs("billing.pull_subscription", acme.subscription.external_id).exists()
    assert not list_jobs("billing.pull_customer", acme.customer_id).exists()
    for invoice in acme.list_invoices():
        assert not list_jobs("billing.pull_invoice", invoice.id).exists()


def test_subscription_with_an_add_on_is_equal(create_organization):
    acme = create_organization().subscribe()
    client = build_stripe_client()
    product = client.v1.products.create({"name": "Add-on"})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "unit_amount": 500,
            "currency": "usd",
            "recurring": {"interval": "month"},
        }
    )
    client.v1.subscription_items.create(
        {"subscription": acme.subscription.external_id, "price": price.id}
    )

    run_comparison(ObjectKind.SUBSCRIPTION)

    assert not list_jobs("billing.pull_subscription", acme.subscription.external_id).exists()


def test_lost_edit_and_lost_end_are_found(create_organization):
    acme, globex = create_organization().subscribe(), create_organization().subscribe()
    client = build_stripe_client()
    client.v1.subscriptions.update(
        acme.subscription.external_id,
        {"items": [{"id": acme.subscription.external_item_id, "quantity": 9}]},
    )
    client.v1.subscriptions.cancel(globex.subscription.external_id)

    run_comparison(ObjectKind.SUBSCRIPTION)

    assert list_jobs("billing.pull_subscription", acme.subscription.external_id).exists()
    assert list_jobs("billing.pull_subscription", globex.subscription.external_id).exists()


def test_lost_purchase_is_found(create_organization):
    acme = create_organization()
    subscription_id = acme.pay_checkout(acme.open_checkout())
    assert not Subscription.objects.filter(external_id=subscription_id).exists()

    run_comparison(ObjectKind.SUBSCRIPTION)

    job = list_jobs("billing.pull_subscription", subscription_id).get()
    tasks.pull_subscription(**{name: job.args[name] for name in ("provider", "external_id")})
    assert acme.subscription.external_id == subscription_id


def test_lost_invoice_and_lost_profile_are_found(create_organization):
    acme = create_organization().subscribe()
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    invoice = acme.list_invoices()[0]
    Invoice.objects.filter(external_id=invoice.id).delete()
    Customer.objects.filter(organization=acme.row).update(billing_name="Old")

    run_comparison(ObjectKind.INVOICE)
    run_comparison(ObjectKind.CUSTOMER)

    assert list_jobs("billing.pull_invoice", invoice.id).exists()
    assert list_jobs("billing.pull_customer", acme.customer_id).exists()
    assert customers.get_profile(acme.row).billing_name == "Old"  # nothing is written from a list


def test_reconciliation_fetches_lost_invoices_and_closed_pages(create_organization):
    acme = create_organization().subscribe()
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    Invoice.objects.filter(organization=acme.row).delete()
    Checkout.objects.filter(organization=acme.row).update(state="open")

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    stored = Invoice.objects.filter(organization=acme.row).values_list("external_id", flat=True)
    assert sorted(stored) == sorted(invoice.id for invoice in acme.list_invoices())
    assert Checkout.objects.get(organization=acme.row).state == "paid"


@pytest.mark.parametrize("terms", [{}, {"bills_invitations": True}])
def test_wrong_count_is_found_in_batches(create_organization, terms):
    acme = create_organization(seats=2, **terms).subscribe()
    acme.invite()
    assert acme.row.pk not in nightly.list_miscounted()

    SeatState.objects.filter(organization=acme.row).update(counted=7)

    assert acme.row.pk in nightly.list_miscounted()
