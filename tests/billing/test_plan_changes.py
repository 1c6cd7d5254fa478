"""Change the plan of a subscription."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from billing.errors import SubscriptionNotChangeable
from billing.models import Plan
from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from kit import locks
from tests.billing.support import (
    build_stripe_client,
    create_plan_price,
    get_stripe_price_id,
    run_in_parallel,
)
from tests.harness.stack import poll


def test_plan_change_sends_the_current_count_in_the_same_call(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member()
    price = create_plan_price(minimum_seats=1)

    changes.change_price(organization=acme.row, price=price)

    (request,) = acme.list_seat_requests()
    assert request["body"]["items[0][quantity]"] == "3"
    assert request["body"]["items[0][price]"] == get_stripe_price_id(price)
    assert (acme.subscription.price, acme.seat_state, acme.billed_quantity) == (price, "in_sync", 3)


def test_plan_change_counts_seats_by_the_new_plan(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member("viewer")

    changes.change_price(
        organization=acme.row,
        price=create_plan_price(billable_roles=["admin", "member", "viewer"], minimum_seats=2),
    )

    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_members_changing_during_a_plan_change_are_counted_exactly(create_organization):
    acme = create_organization(seats=3).subscribe()
    price = create_plan_price()

    run_in_parallel(
        lambda: changes.change_price(organization=acme.row, price=price),
        lambda: (acme.add_member(), acme.sync_seats()),
        lambda: (acme.remove_member(acme.members[0]), acme.add_member(), acme.sync_seats()),
    )
    acme.sync_seats()

    assert (acme.billed_quantity, acme.report.counted, acme.seat_state) == (4, 4, "in_sync")
    assert acme.subscription.price == price


def test_plan_change_supersedes_the_quantity_of_the_old_plan(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member()
    with (
        ThreadPoolExecutor(1) as pool,
        locks.hold_vendor_object("stripe", "subscription", acme.subscription.external_id),
    ):
        sync = pool.submit(run_in_parallel, acme.sync_seats)
        poll(lambda: acme.attempts.filter(state="in_flight").exists(), what="the attempt")

        changes.change_price(organization=acme.row, price=create_plan_price(minimum_seats=5))

    sync.result()
    assert acme.list_sent_quantities() == [5]
    assert (acme.billed_quantity, acme.seat_state) == (5, "in_sync")


def test_change_to_the_same_price_is_refused(create_organization):
    acme = create_organization().subscribe()

    with pytest.raises(SubscriptionNotChangeable):
        changes.change_price(organization=acme.row, price=acme.price)


def test_edited_plan_recounts_its_organizations(create_organization):
    acme, other = (
        create_organization(minimum_seats=1).subscribe(),
        create_organization().subscribe(),
    )
    ended = create_organization(price=acme.price).subscribe()
    changes.end_subscription_now(organization=ended.row)
    Plan.objects.filter(pk=acme.price.plan_id).update(minimum_seats=4)

    found = reconcile.list_of_plan(acme.price.plan)

    assert found == [acme.row.pk]
    assert other.row.pk not in found
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    assert (acme.billed_quantity, acme.seat_state) == (4, "in_sync")


def schedule_end(acme, at):
    """Schedule the end as our API does, by the flag, or as the portal may, by a date."""
    if at == "flag":
        changes.cancel_subscription(organization=acme.row)
        return
    row = acme.subscription
    end = int(row.current_period_end.timestamp()) - 3_600
    build_stripe_client().v1.subscriptions.update(row.external_id, {"cancel_at": end})
    subscriptions.pull_subscription("stripe", row.external_id)


@pytest.mark.parametrize("at", ["flag", "date"])
def test_change_of_a_subscription_that_will_end_is_refused_or_keeps_it(create_organization, at):
    acme = create_organization(seats=2).subscribe()
    schedule_end(acme, at)
    price = create_plan_price()

    with pytest.raises(SubscriptionNotChangeable, match="keep"):
        changes.change_price(organization=acme.row, price=price)
    assert (acme.subscription.is_ending, acme.list_seat_requests()) == (True, [])

    changes.change_price(organization=acme.row, price=price, keeps=True)

    assert (acme.subscription.is_ending, acme.subscription.price) == (False, price)


@pytest.mark.parametrize("at", [None, "flag", "date"])
@pytest.mark.parametrize(("interval", "other"), [("month", "year"), ("year", "month")])
def test_another_interval_begins_a_whole_period(create_organization, interval, other, at):
    acme = create_organization(seats=2, interval=interval).subscribe()
    bought, paid = acme.subscription.current_period_end, len(acme.list_invoices())
    if at:
        schedule_end(acme, at)
    started = datetime.now(UTC).replace(microsecond=0)

    price = create_plan_price(interval=other)
    changes.change_price(organization=acme.row, price=price, keeps=at is not None)

    row = acme.subscription
    days = (row.current_period_end - row.current_period_start).days
    assert row.current_period_start >= started
    assert days in ((365, 366) if other == "year" else (28, 29, 30, 31))
    assert row.current_period_end != bought
    assert (row.is_ending, row.cancel_at, row.paid_seats) == (False, None, 2)
    (invoice,) = acme.list_invoices()[:-paid]
    assert (
        abs(invoice.total) <= 2
    )  # two seats of the new price, less the unused ones of the old one
    assert acme.seat_state == "in_sync"


def test_another_interval_in_a_trial_keeps_the_trial(create_organization):
    acme = create_organization(trial_days=14).subscribe()
    end = acme.subscription.trial_end

    changes.change_price(organization=acme.row, price=create_plan_price(interval="year"))

    assert (acme.subscription.status, acme.subscription.trial_end) == ("trialing", end)
    assert "billing_cycle_anchor[type]" not in acme.list_seat_requests()[-1]["body"]


def test_another_price_of_the_same_interval_keeps_the_period(create_organization):
    acme = create_organization().subscribe()
    period = acme.subscription.current_period_start

    changes.change_price(organization=acme.row, price=create_plan_price())

    assert acme.subscription.current_period_start == period
    assert "billing_cycle_anchor[type]" not in acme.list_seat_requests()[-1]["body"]
