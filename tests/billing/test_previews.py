"""Preview what a change of seats costs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.errors import PaymentRefused, SubscriptionNotChangeable
from billing.models import Price, Subscription
from billing.seat_rules import Mode
from billing.seats import preview, report
from billing.subscriptions import changes
from tests.billing.support import build_stripe_client, create_plan_price


@pytest.mark.parametrize("policy", ["next_invoice", "invoice_now"])
def test_preview_equals_the_cost_of_the_change(create_organization, policy):
    acme = create_organization(seats=2, addition_policy=policy).subscribe()
    before = len(acme.list_invoices())

    cost = preview.preview_addition(organization=acme.row, seats=1)
    acme.add_member()
    acme.sync_seats()

    made = acme.list_invoices()[:-before]
    upcoming = build_stripe_client().v1.invoices.create_preview(
        {"subscription": acme.subscription.external_id}
    )
    assert sum(one.total for one in made) == cost.amount_due_now
    assert upcoming.amount_due == cost.amount_next_invoice
    assert (cost.amount_due_now > 0) == (policy == "invoice_now")


def test_contract_price_stays_fixed_when_members_join(create_organization):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=2)

    cost = preview.preview_addition(organization=acme.row, seats=3)

    assert (cost.current, cost.resulting, cost.amount_next_invoice) == (2, 2, 2_400)


def test_contract_that_was_not_sent_is_previewed_as_what_is_billed(create_organization):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    acme.add_member()

    cost = preview.preview_addition(organization=acme.row, seats=1)

    assert (cost.current, cost.resulting) == (2, 2)


def test_expected_seats_are_those_of_a_contract_before_the_purchase(create_organization):
    acme = create_organization(seats=2)
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=7)

    acme.request_seat("member", expected_seats=7)


def test_expected_seats_may_be_those_of_a_contract(create_organization):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=10)
    acme.edit_at_stripe(quantity=10)

    cost = preview.preview_addition(organization=acme.row, seats=1)

    acme.request_seat("member", expected_seats=cost.resulting)


def test_removal_before_a_scheduled_end_costs_nothing(create_organization):
    acme = create_organization(seats=2).subscribe()
    changes.cancel_subscription(organization=acme.row)

    cost = preview.preview_role_change(
        organization=acme.row, member_id=acme.members[0].pk, role="viewer"
    )

    assert (cost.resulting, cost.amount_due_now, cost.amount_next_invoice) == (1, 0, 0)


def test_preview_stays_within_the_period_when_the_clocks_differ(create_organization):
    acme = create_organization(seats=2).subscribe()
    later = timezone.now() + timedelta(days=1)
    Subscription.objects.filter(pk=acme.subscription.pk).update(current_period_start=later)
    ahead = preview.preview_addition(organization=acme.row, seats=1)
    assert ahead.proration_date == later

    earlier = timezone.now().replace(microsecond=0) - timedelta(days=1)
    Subscription.objects.filter(pk=acme.subscription.pk).update(
        current_period_start=earlier - timedelta(days=30), current_period_end=earlier
    )
    with pytest.raises(PaymentRefused):  # Stripe has another period, and says so
        preview.preview_addition(organization=acme.row, seats=1)


def test_contract_is_the_quantity_of_checkout_and_plan_change(create_organization):
    acme = create_organization(seats=2)
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=7)
    acme.subscribe()
    bought = acme.billed_quantity
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=9)

    price = Price.objects.get(lookup_key="business_monthly")
    changes.change_price(organization=acme.row, price=price)

    assert (bought, acme.billed_quantity, acme.report.target) == (7, 9, 9)


@pytest.mark.parametrize("policy", ["next_invoice", "invoice_now"])
@pytest.mark.parametrize("end", [None, {"cancel_at_period_end": True}])
def test_preview_of_a_plan_change_equals_its_cost(create_organization, policy, end):
    acme = create_organization(seats=2).subscribe()
    if end:
        acme.edit_at_stripe(**end)
    price = create_plan_price(addition_policy=policy, minimum_seats=5)
    before = len(acme.list_invoices())

    cost = changes.preview_price(organization=acme.row, price=price, keeps=True)
    previewed_only = acme.list_seat_requests()
    changes.change_price(organization=acme.row, price=price, keeps=True)

    made = acme.list_invoices()[:-before]
    upcoming = build_stripe_client().v1.invoices.create_preview(
        {"subscription": acme.subscription.external_id}
    )
    assert (previewed_only, cost.current, cost.resulting) == ([], 2, 5)
    assert sum(one.total for one in made) == pytest.approx(cost.amount_due_now, abs=2)
    assert upcoming.amount_due == pytest.approx(cost.amount_next_invoice, abs=2)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("amount", [300, 14_000])
@pytest.mark.parametrize("interval", ["month", "year"])
@pytest.mark.parametrize("other", ["month", "year"])
def test_preview_of_a_cheaper_or_dearer_plan_equals_what_is_charged_and_credited(
    create_organization, interval, other, amount, waits
):
    acme = create_organization(seats=2, interval=interval, amount=4_000).subscribe()
    if waits:  # for the next invoice
        acme.add_member()
        acme.sync_seats()
    price = create_plan_price(interval=other, amount=amount, addition_policy="invoice_now")
    before = len(acme.list_invoices())

    cost = changes.preview_price(organization=acme.row, price=price)
    changes.change_price(organization=acme.row, price=price)

    (made,) = acme.list_invoices()[:-before]
    customer = build_stripe_client().v1.customers.retrieve(acme.customer_id)
    upcoming = build_stripe_client().v1.invoices.create_preview(
        {"subscription": acme.subscription.external_id}
    )
    assert made.total == pytest.approx(cost.amount_due_now - cost.amount_credited_now, abs=2)
    assert made.amount_due == pytest.approx(cost.amount_due_now, abs=2)
    assert -customer.balance == pytest.approx(cost.amount_credited_now, abs=2)
    assert upcoming.amount_due == pytest.approx(cost.amount_next_invoice, abs=2)
    assert (cost.amount_credited_now > 0) == (amount == 300)
    assert (cost.amount_due_now > 0) == (amount == 14_000)


def test_preview_of_another_interval_equals_its_cost(create_organization):
    acme = create_organization(seats=2).subscribe()
    price = Price.objects.get(lookup_key="team_yearly", is_active=True)
    before = len(acme.list_invoices())

    cost = changes.preview_price(organization=acme.row, price=price)
    changes.change_price(organization=acme.row, price=price)

    made = acme.list_invoices()[:-before]
    assert sum(one.total for one in made) == pytest.approx(cost.amount_due_now, abs=2)
    assert cost.amount_due_now > 20_000
    assert cost.amount_next_invoice == 24_000


def test_preview_of_a_plan_change_has_the_refusals_of_the_change(create_organization):
    acme = create_organization(seats=2).subscribe()
    with pytest.raises(SubscriptionNotChangeable, match="this price already"):
        changes.preview_price(organization=acme.row, price=acme.price)

    changes.cancel_subscription(organization=acme.row)

    with pytest.raises(SubscriptionNotChangeable, match="keep"):
        changes.preview_price(organization=acme.row, price=create_plan_price())


@pytest.mark.parametrize(("of_price", "is_now"), [("invoice_now", True), ("", False)])
def test_price_decides_when_its_additions_are_paid(create_organization, of_price, is_now):
    acme = create_organization(seats=2, addition_policy="next_invoice")
    Price.objects.filter(pk=acme.price.pk).update(addition_policy=of_price)
    acme.subscribe()
    before = len(acme.list_invoices())

    cost = preview.preview_addition(organization=acme.row, seats=1)
    acme.add_member()
    acme.sync_seats()

    assert (cost.amount_due_now > 0, len(acme.list_invoices()) > before) == (is_now, is_now)
    assert acme.attempts.last().proration == ("invoice_now" if is_now else "next_invoice")
