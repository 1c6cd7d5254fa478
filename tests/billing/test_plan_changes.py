"""Change the plan of a subscription."""

from concurrent.futures import ThreadPoolExecutor

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
    Plan.objects.filter(pk=acme.price.plan_id).update(minimum_seats=4)

    found = reconcile.list_of_plan(acme.price.plan)

    assert found == [acme.row.pk]
    assert other.row.pk not in found
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    assert (acme.billed_quantity, acme.seat_state) == (4, "in_sync")


@pytest.mark.parametrize("at", ["flag", "date"])
def test_change_of_a_subscription_that_will_end_is_refused_or_keeps_it(create_organization, at):
    acme = create_organization(seats=2).subscribe()
    if at == "flag":
        changes.cancel_subscription(organization=acme.row)
    else:
        end = int(acme.subscription.current_period_end.timestamp()) - 3_600
        row = acme.subscription
        build_stripe_client().v1.subscriptions.update(row.external_id, {"cancel_at": end})
        subscriptions.pull_subscription("stripe", row.external_id)
    price = create_plan_price()

    with pytest.raises(SubscriptionNotChangeable, match="keep"):
        changes.change_price(organization=acme.row, price=price)
    assert (acme.subscription.is_ending, acme.list_seat_requests()) == (True, [])

    changes.change_price(organization=acme.row, price=price, keeps=True)

    assert (acme.subscription.is_ending, acme.subscription.price) == (False, price)
