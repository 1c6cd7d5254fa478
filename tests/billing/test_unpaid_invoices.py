"""Check that unpaid time is not credited, and that foreign products are not changed."""

import secrets
from urllib.parse import parse_qs

import pytest

from billing import providers
from billing.errors import SubscriptionNotChangeable
from billing.models import Subscription
from billing.providers.stripe.parse import parse_period_payment
from billing.providers.types import PeriodPayment
from billing.seat_sync import reconcile
from billing.seats import preview
from billing.subscriptions import changes, subscriptions
from tests.billing.support import (
    LANDING,
    build_stripe_client,
    create_plan_price,
    create_stripe_price,
)


@pytest.fixture
def unpaid_organization(create_organization):
    """Create an organization with an open invoice: the charge for its second seat was declined."""
    acme = create_organization(addition_policy="invoice_now").subscribe()
    customer_id = acme.customer_id
    acme.sandbox.post(f"/stripe/customers/{customer_id}/payment", outcome="decline", times=1)
    acme.add_member()
    acme.sync_seats()
    assert acme.list_invoices()[0].status == "open"
    return acme


def sum_credits(acme):
    """Return the sum of the credits at Stripe, in cents."""
    customer = build_stripe_client().v1.customers.retrieve(acme.customer_id)
    pending = build_stripe_client().v1.invoice_items.list(
        {"customer": customer.id, "pending": True}
    )
    lines = [line for invoice in acme.list_invoices() for line in invoice.lines.data]
    return min(0, customer.balance) + sum(min(0, entry.amount) for entry in [*pending.data, *lines])


def list_prorate_options(acme):
    path = f"/v1/subscriptions/{acme.subscription.external_id}"
    requests = acme.sandbox.requests("stripe", "DELETE", path)
    return [parse_qs(request["query"])["prorate"][0] for request in requests]


def test_immediate_cancellation_credits_nothing_while_an_invoice_is_open(unpaid_organization):
    before = sum_credits(unpaid_organization)

    changes.end_subscription_now(organization=unpaid_organization.row)

    assert list_prorate_options(unpaid_organization) == ["false"]
    assert sum_credits(unpaid_organization) == before


def test_immediate_cancellation_credits_the_rest_of_a_paid_period(create_organization):
    acme = create_organization().subscribe()

    changes.end_subscription_now(organization=acme.row)

    assert list_prorate_options(acme) == ["true"]
    assert sum_credits(acme) < 0


def test_deleted_organization_is_credited_nothing_while_an_invoice_is_open(unpaid_organization):
    unpaid_organization.delete()

    changes.end_all_subscriptions(organization_id=unpaid_organization.row.pk)

    assert list_prorate_options(unpaid_organization) == ["false"]


def test_plan_is_not_changed_while_an_invoice_is_open(unpaid_organization):
    Subscription.objects.filter(pk=unpaid_organization.subscription.pk).update(status="active")
    price = create_plan_price()

    with pytest.raises(SubscriptionNotChangeable):
        changes.change_price(organization=unpaid_organization.row, price=price)


def test_seat_removed_while_an_invoice_is_open_is_not_credited(unpaid_organization):
    Subscription.objects.filter(pk=unpaid_organization.subscription.pk).update(
        status="active"
    )  # out of date
    before = sum_credits(unpaid_organization)
    cost = preview.preview_addition(organization=unpaid_organization.row, seats=-1)

    unpaid_organization.remove_member(unpaid_organization.members.pop())
    unpaid_organization.sync_seats()

    assert unpaid_organization.list_sent_quantities()[-1] == 1
    assert unpaid_organization.list_seat_requests()[-1]["body"]["proration_behavior"] == "none"
    assert sum_credits(unpaid_organization) == before
    assert cost.amount_due_now == 0


@pytest.fixture
def written_off_organization(unpaid_organization):
    """Create an active organization whose invoice for its second seat was voided."""
    build_stripe_client().v1.invoices.void_invoice(unpaid_organization.list_invoices()[0].id)
    unpaid_organization.edit_at_stripe(status="active")
    return unpaid_organization


def test_immediate_cancellation_credits_nothing_after_an_invoice_was_voided(
    written_off_organization,
):
    before = sum_credits(written_off_organization)

    changes.end_subscription_now(organization=written_off_organization.row)

    assert list_prorate_options(written_off_organization) == ["false"]
    assert sum_credits(written_off_organization) == before


def test_removal_credits_nothing_after_an_invoice_was_voided(written_off_organization):
    acme = written_off_organization
    before = sum_credits(acme)
    acme.remove_member(acme.members[0])

    acme.sync_seats()

    assert acme.billed_quantity == 1
    assert sum_credits(acme) == before


def test_plan_change_credits_nothing_after_an_invoice_was_voided(written_off_organization):
    acme, price = written_off_organization, create_plan_price()
    before = sum_credits(acme)
    cost = changes.preview_price(organization=acme.row, price=price)

    changed = changes.change_price(organization=acme.row, price=price)

    assert (changed.price, changed.quantity) == (price, 2)
    assert sum_credits(acme) == before
    assert cost.amount_due_now == 0


def test_removal_credits_the_period_that_follows_one_whose_invoice_was_voided():
    period = {"parent": {"subscription_item_details": {"proration": False}}}
    change = {"parent": {"subscription_item_details": {"proration": True}}}
    paid, voided = (
        {"status": status, "billing_reason": "subscription_update", "lines": {"data": [period]}}
        for status in ("paid", "void")
    )
    addition = {**paid, "lines": {"data": [change]}}

    assert parse_period_payment([addition, paid, voided]) == PeriodPayment.PAID
    assert parse_period_payment([addition, voided]) == PeriodPayment.WRITTEN_OFF


# ── Foreign products of the same account ──────────────────────────────────────────────────────


@pytest.fixture
def foreign_price():
    """Create a price at Stripe that our catalog does not contain, and return its id."""
    product_id = f"foreign-{secrets.token_hex(4)}"
    return create_stripe_price(product_id, lookup_key=product_id, amount=9_900)


@pytest.fixture
def customer_organization(create_organization):
    """Create an organization with a customer at Stripe and no subscription."""
    acme = create_organization()
    acme.open_checkout()
    return acme


def open_foreign_checkout(acme, price_id):
    body = {
        "mode": "subscription",
        "customer": acme.customer_id,
        "line_items": [{"price": price_id, "quantity": 1}],
        "success_url": LANDING,
        "cancel_url": LANDING,
    }
    return build_stripe_client().v1.checkout.sessions.create(body)


def buy_foreign_price(acme, price_id):
    page = open_foreign_checkout(acme, price_id)
    acme.sandbox.post(f"/checkout/{page.id}/pay")
    return providers.get_provider("stripe").fetch_checkout(page.id).subscription_id


def test_foreign_subscription_blocks_no_purchase_and_is_not_current(
    customer_organization, foreign_price
):
    foreign = buy_foreign_price(customer_organization, foreign_price)
    assert subscriptions.pull_subscription("stripe", foreign) is None

    customer_organization.subscribe()
    reconcile.reconcile_organization(organization_id=customer_organization.row.pk)

    assert customer_organization.subscription.external_id != foreign
    assert not Subscription.objects.filter(external_id=foreign).exists()


def test_foreign_payment_page_stays_open(customer_organization, foreign_price):
    page = open_foreign_checkout(customer_organization, foreign_price)

    customer_organization.open_checkout()

    assert build_stripe_client().v1.checkout.sessions.retrieve(page.id).status == "open"


def test_deletion_ends_only_our_subscriptions(customer_organization, foreign_price):
    foreign = buy_foreign_price(customer_organization, foreign_price)
    customer_organization.subscribe()
    ours = customer_organization.subscription.external_id
    reconcile.reconcile_organization(organization_id=customer_organization.row.pk)

    customer_organization.delete()
    changes.end_all_subscriptions(organization_id=customer_organization.row.pk)

    status = {
        id_: providers.get_provider("stripe").fetch_subscription(id_).status
        for id_ in (ours, foreign)
    }
    assert status == {ours: "canceled", foreign: "active"}
