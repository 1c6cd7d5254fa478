"""Show the tax of invoices, and what credit notes gave back of them."""

import pytest
from django.contrib import admin

from billing import providers
from billing.admin.subscriptions import InvoiceAdmin
from billing.invoices import invoices
from billing.models import Invoice
from billing.money import format_amount
from billing.seats import preview
from tests.billing.support import build_stripe_client, list_event_types


def set_tax(subscription_id, percentage, *, inclusive=False):
    """Let Stripe tax the invoices of a subscription from now on."""
    client = build_stripe_client().v1
    rate = client.tax_rates.create(
        {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive}
    )
    client.subscriptions.update(subscription_id, {"default_tax_rates": [rate.id]})


@pytest.fixture
def taxed_organization(create_organization):
    """Return a function that creates an organization with a taxed invoice over one more seat."""

    def create(**tax):
        acme = create_organization(addition_policy="invoice_now").subscribe()
        set_tax(acme.subscription.external_id, **tax)
        acme.add_member()
        acme.sync_seats()
        return acme

    return create


def pull_newest(acme):
    return invoices.pull_invoice("stripe", acme.list_invoices()[0].id)


@pytest.mark.parametrize(("inclusive", "total"), [(False, 1_190), (True, 1_000)])
def test_tax_is_stored_as_a_part_of_the_total(taxed_organization, inclusive, total):
    row = pull_newest(taxed_organization(percentage=19, inclusive=inclusive))

    assert row.total == pytest.approx(total, abs=2)  # the seat begins seconds after its period
    assert row.tax == pytest.approx(row.subtotal * 19 / 100, abs=1)
    assert row.subtotal + row.tax == row.total == row.amount_due


def test_preview_contains_the_tax(create_organization):
    acme = create_organization(addition_policy="invoice_now").subscribe()
    set_tax(acme.subscription.external_id, 19)

    cost = preview.preview_addition(organization=acme.row, seats=1)

    assert cost.amount_due_now == pytest.approx(1_190, abs=2)


def test_refund_is_stored_and_recorded_once(taxed_organization):
    acme = taxed_organization(percentage=19)
    row = pull_newest(acme)
    build_stripe_client().v1.credit_notes.create(
        {"invoice": row.external_id, "amount": 500, "refund_amount": 500}
    )

    for _ in range(2):
        row = pull_newest(acme)

    assert (row.status, row.credited) == ("paid", 500)
    assert list_event_types(acme, "invoice.") == ["invoice.paid", "invoice.credited"]


def test_nightly_comparison_finds_a_refund_whose_events_were_lost(taxed_organization):
    acme = taxed_organization(percentage=19)
    row = pull_newest(acme)
    provider = providers.get_provider("stripe")
    assert invoices.list_differing("stripe", [provider.fetch_invoice(row.external_id)]) == []

    build_stripe_client().v1.credit_notes.create(
        {"invoice": row.external_id, "amount": 500, "refund_amount": 500}
    )

    seen = provider.fetch_invoice(row.external_id)
    assert invoices.list_differing("stripe", [seen]) == [row.external_id]


def test_credit_note_reduces_what_an_open_invoice_asks_for(create_organization):
    acme = create_organization(addition_policy="invoice_now").subscribe()
    path = f"/stripe/customers/{acme.customer_id}/payment"
    acme.sandbox.post(path, outcome="decline", times=1)
    acme.add_member()
    acme.sync_seats()
    before = pull_newest(acme)

    build_stripe_client().v1.credit_notes.create({"invoice": before.external_id, "amount": 100})

    after = pull_newest(acme)
    assert (after.status, after.total, after.credited) == (Invoice.Status.OPEN, before.total, 100)
    assert after.amount_due == before.amount_due - 100


def test_admin_shows_nothing_due_of_a_paid_invoice(create_organization):
    row = pull_newest(create_organization().subscribe())
    assert (row.status, row.amount_due > 0) == ("paid", True)  # Stripe keeps what was asked for

    page = InvoiceAdmin(Invoice, admin.site)

    assert page.due(row) == format_amount(0, row.currency)
    row.status = Invoice.Status.OPEN
    assert page.due(row) == format_amount(row.amount_due, row.currency)
