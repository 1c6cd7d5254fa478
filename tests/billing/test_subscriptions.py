"""What becomes of seats while a subscription lives its life, and of the subscription itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import providers, tasks
from billing.customers import customers, portal
from billing.errors import (
    PaymentRefused,
    SubscriptionExists,
    SubscriptionMissing,
    SubscriptionNotChangeable,
)
from billing.models import Price, Subscription
from billing.providers.types import Profile
from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from kit import locks
from kit.outbound import VendorUnavailable
from tests.billing.support import (
    LANDING,
    build_stripe_client,
    create_plan_price,
    find_waiting_jobs,
    run_in_parallel,
)
from tests.billing.test_inbound import types
from tests.harness.stack import poll


def test_checkout_sells_the_counted_seats(create_organization):
    acme = create_organization(seats=3)
    acme.add_member("viewer")

    acme.subscribe()

    assert (acme.billed_quantity, acme.seat_state, acme.list_seat_requests()) == (3, "in_sync", [])


def test_member_who_joins_during_checkout_is_counted_on_completion(create_organization):
    acme = create_organization(seats=2)
    page = acme.open_checkout()
    acme.add_member()

    checkout_id = acme.pay_checkout(page)
    subscriptions.pull_subscription(checkout_id)
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_second_checkout_is_refused_while_a_subscription_is_live(create_organization):
    acme = create_organization().subscribe()

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused", "incomplete"])
def test_second_checkout_is_refused_while_a_payment_has_failed(create_organization, status):
    acme = create_organization().subscribe()
    Subscription.objects.filter(pk=acme.subscription.pk).update(status=status)

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


def test_checkout_is_refused_before_the_event_of_a_payment_is_received(create_organization):
    acme = create_organization()
    acme.pay_checkout(acme.open_checkout())

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


def test_new_checkout_closes_the_older_page(create_organization):
    acme = create_organization()
    older, newer = acme.open_checkout(), acme.open_checkout()

    open_ = providers.get_provider().open_checkouts(acme.customer_id)

    assert [page.external_id for page in open_] == [newer.external_id]
    assert older.external_id != newer.external_id


def test_two_parallel_checkouts_leave_one_page_open(create_organization):
    acme = create_organization()

    run_in_parallel(acme.open_checkout, acme.open_checkout)

    customer_id = acme.customer_id
    assert len(providers.get_provider().open_checkouts(customer_id)) == 1


def test_concurrent_requests_create_one_customer(create_organization):
    acme = create_organization()

    run_in_parallel(*[acme.open_checkout] * 3)

    made = [
        request
        for request in acme.sandbox.requests("stripe", "POST", "/v1/customers")
        if (request["body"] or {}).get("metadata[organization_id]") == str(acme.row.pk)
    ]
    assert len(made) == 1


@pytest.mark.parametrize("door", ["checkout", "portal"])
def test_customer_deleted_without_webhook_is_recreated_at_the_next_attempt(
    create_organization, door
):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    build_stripe_client().v1.customers.delete(customer_id)
    doors = {
        "checkout": acme.open_checkout,
        "portal": lambda: portal.create_portal_link(organization=acme.row, return_url=LANDING),
    }

    with pytest.raises(PaymentRefused):
        doors[door]()
    job = find_waiting_jobs("billing.pull_customer", customer_id=customer_id).get()
    tasks.pull_customer(customer_id=job.args["customer_id"])

    doors[door]()


def test_trial_updates_seats_without_a_charge(create_organization):
    acme = create_organization(trial_days=14).subscribe()
    acme.add_member()

    acme.sync_seats()

    assert (acme.subscription.status, acme.billed_quantity) == ("trialing", 2)
    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == "none"
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"trial_end": "now"}
    )
    first = acme.list_invoices()[0]
    assert first.total == 2 * acme.price.amount  # the count at conversion


def test_seat_after_a_trial_that_ended_without_webhook_is_charged(create_organization):
    acme = create_organization(trial_days=14).subscribe()
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"trial_end": "now"}
    )
    Subscription.objects.filter(pk=acme.subscription.pk).update(current_period_end=timezone.now())
    acme.add_member()

    acme.sync_seats()

    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == "create_prorations"
    assert (acme.subscription.status, acme.billed_quantity) == ("active", 2)


def test_second_subscription_has_no_second_trial(create_organization):
    acme = create_organization(trial_days=14).subscribe()
    changes.end_subscription_now(organization=acme.row)

    acme.subscribe()

    assert acme.subscription.status == "active"


def test_past_due_holds_additions_and_sends_removals_and_recovers(create_organization):
    acme = create_organization(seats=3).subscribe()
    acme.edit_at_stripe(status="past_due")
    acme.add_member()
    acme.sync_seats()
    assert (acme.seat_state, acme.billed_quantity) == ("held", 3)

    acme.remove_member(acme.members[0])
    acme.remove_member(acme.members[1])
    acme.sync_seats()
    assert (acme.seat_state, acme.billed_quantity) == ("in_sync", 2)
    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == "none"

    acme.add_member()
    acme.edit_at_stripe(status="active")
    acme.sync_seats()
    assert (acme.seat_state, acme.billed_quantity) == ("in_sync", 3)


@pytest.mark.parametrize("status", ["unpaid", "paused"])
def test_nothing_is_sent_while_unpaid_or_paused(create_organization, status):
    acme = create_organization().subscribe()
    acme.edit_at_stripe(status=status)
    acme.add_member()

    acme.sync_seats()

    assert (acme.seat_state, acme.list_seat_requests()) == ("held", [])


def test_grace_starts_with_the_first_failure_and_is_not_extended(create_organization):
    acme = create_organization().subscribe()
    acme.edit_at_stripe(status="past_due")
    since = acme.subscription.past_due_since

    acme.edit_at_stripe(metadata={"seen": "again"})
    assert acme.subscription.past_due_since == since
    acme.edit_at_stripe(status="active")

    assert acme.subscription.past_due_since is None


def test_scheduled_end_sends_additions_and_unprorated_removals(create_organization):
    acme = create_organization(seats=2).subscribe()
    changes.cancel_subscription(organization=acme.row)
    acme.add_member()
    acme.sync_seats()
    acme.remove_member(acme.members[0])

    acme.sync_seats()

    behaviors = [request["body"]["proration_behavior"] for request in acme.list_seat_requests()]
    assert behaviors == ["create_prorations", "none"]


def test_scheduled_end_can_be_cancelled(create_organization):
    acme = create_organization().subscribe()

    assert changes.cancel_subscription(organization=acme.row).cancel_at_period_end
    assert not changes.resume_subscription(organization=acme.row).is_ending
    with pytest.raises(SubscriptionNotChangeable):
        changes.resume_subscription(organization=acme.row)


def test_paused_subscription_resumes_after_payment(create_organization):
    acme = create_organization().subscribe()
    customer_id = acme.customer_id
    acme.edit_at_stripe(status="paused")
    acme.add_member()
    acme.sandbox.post(f"/stripe/customers/{customer_id}/payment", outcome="decline", times=1)

    assert changes.resume_subscription(organization=acme.row).status == "paused"
    assert changes.resume_subscription(organization=acme.row).status == "active"
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


@pytest.mark.parametrize("how", [changes.cancel_subscription, changes.end_subscription_now])
def test_paused_subscription_can_be_replaced(create_organization, how):
    acme = create_organization().subscribe()
    acme.edit_at_stripe(status="paused")

    assert how(organization=acme.row).has_ended
    acme.subscribe()

    assert acme.subscription.is_active


def test_refused_seat_update_pulls_a_subscription_that_ended_without_webhook(create_organization):
    acme = create_organization().subscribe()
    row = acme.subscription
    acme.sandbox.post(f"/stripe/subscriptions/{row.external_id}", status="canceled")

    with pytest.raises(SubscriptionMissing):
        changes.end_subscription_now(organization=acme.row)

    assert find_waiting_jobs("billing.pull_subscription", external_id=row.external_id).exists()


def test_purchase_after_cancellation_makes_two_rows_and_one_live(create_organization):
    acme = create_organization(seats=2).subscribe()
    first = acme.subscription
    changes.end_subscription_now(organization=acme.row)
    acme.add_member()
    acme.sync_seats()

    acme.subscribe()

    rows = Subscription.objects.filter(organization=acme.row).order_by("started_at")
    assert [row.has_ended for row in rows] == [True, False]
    assert acme.subscription != first
    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_plan_change_sends_the_current_count_in_the_same_call(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member()
    price = create_plan_price(minimum_seats=1)

    changes.change_price(organization=acme.row, price=price)

    (request,) = acme.list_seat_requests()
    assert request["body"]["items[0][quantity]"] == "3"
    assert request["body"]["items[0][price]"] == price.stripe_price_id
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
        locks.hold_object(f"stripe:{acme.subscription.external_id}"),
    ):
        waiting = pool.submit(run_in_parallel, acme.sync_seats)
        poll(lambda: acme.attempts.filter(state="in_flight").exists(), what="the attempt")

        changes.change_price(organization=acme.row, price=create_plan_price(minimum_seats=5))

    waiting.result()
    assert acme.list_sent_quantities() == [5]
    assert (acme.billed_quantity, acme.seat_state) == (5, "in_sync")


def test_change_to_the_same_price_is_refused(create_organization):
    acme = create_organization().subscribe()

    with pytest.raises(SubscriptionNotChangeable):
        changes.change_price(organization=acme.row, price=acme.price)


def test_cancellation_with_unknown_outcome_is_pulled_by_a_job(create_organization, committed):
    acme = create_organization().subscribe()
    acme.add_fault(drop=True, after_effect=True, method="POST")

    with pytest.raises(VendorUnavailable):
        changes.cancel_subscription(organization=acme.row)
    subscriptions.pull_subscription(acme.subscription.external_id)

    assert acme.subscription.cancel_at_period_end


def test_dashboard_edit_is_corrected(create_organization):
    acme = create_organization(seats=2).subscribe()

    acme.edit_at_stripe(quantity=9)
    assert acme.seat_state == "drifted"
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_plan_can_report_a_dashboard_edit_instead_of_correcting_it(create_organization):
    acme = create_organization(seats=2, drift_policy="report").subscribe()

    acme.edit_at_stripe(quantity=9)
    acme.add_member()
    acme.sync_seats()
    assert (acme.billed_quantity, acme.seat_state) == (9, "drifted")

    reconcile.reconcile_organization(organization_id=acme.row.pk, corrects_drift=True)
    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_event_of_our_own_change_sends_nothing(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.sync_seats()

    for _ in range(3):
        subscriptions.pull_subscription(acme.subscription.external_id)
        acme.sync_seats()

    assert acme.list_sent_quantities() == [2]
    assert not acme.row.seat_changes.filter(reason="quantity_edited").exists()


def test_contract_is_compared_and_never_sent(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.seat_row.__class__.objects.filter(organization=acme.row).update(
        mode="manual", contract_seats=2
    )
    acme.add_member()

    acme.sync_seats(is_forced=True)

    assert (acme.seat_state, acme.billed_quantity, acme.list_seat_requests()) == ("manual", 2, [])
    assert acme.report.counted == 3


def test_subscription_with_an_unknown_price_is_misconfigured_and_not_changed(create_organization):
    acme = create_organization(seats=2, minimum_seats=1).subscribe()
    Price.objects.filter(pk=acme.price.pk).update(stripe_price_id=f"other_{acme.price.pk}")
    acme.add_member()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync_seats()

    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])


def test_seat_item_is_found_by_its_price_and_two_are_misconfigured(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    second = create_plan_price()
    build_stripe_client().v1.subscription_items.create(
        {"subscription": acme.subscription.external_id, "price": second.stripe_price_id}
    )
    acme.add_member()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync_seats()
    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])
    assert types(acme, "seats.") == ["seats.misconfigured"]

    Price.objects.filter(pk=acme.price.pk).update(stripe_price_id=f"other_{acme.price.pk}")
    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync_seats()
    (request,) = acme.list_seat_requests()
    assert request["body"]["items[0][id]"] == acme.subscription.stripe_item_id
    assert (acme.subscription.price, acme.subscription.quantity) == (second, 2)


def test_metered_price_is_never_sent_a_quantity(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    Price.objects.filter(pk=acme.price.pk).update(usage="metered")
    acme.add_member()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync_seats()

    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])


def test_reconciling_twice_changes_nothing_the_second_time(create_organization):
    acme = create_organization().subscribe()
    acme.members[0].__class__.objects.create(
        organization=acme.row,
        user=create_organization().members[0].user,
        stytch_member_id=f"member-{acme.row.pk}",
        email="behind@our.example",
        role="member",
        status="active",
    )

    first = reconcile.reconcile_organization(organization_id=acme.row.pk)
    sent, revision = len(acme.list_seat_requests()), acme.report.revision
    second = reconcile.reconcile_organization(organization_id=acme.row.pk)

    assert (first.counted, first.observed, acme.billed_quantity) == (2, 2, 2)
    assert second == first
    assert (len(acme.list_seat_requests()), acme.report.revision) == (sent, revision)


def test_inspection_changes_nothing(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()

    finding = reconcile.inspect_seats(organization_id=acme.row.pk)

    assert (finding.counted, finding.observed, finding.would_send) == (2, 1, True)
    assert acme.list_seat_requests() == []


def test_reconciliation_finds_a_subscription_that_ended_with_its_customer(create_organization):
    acme = create_organization().subscribe()
    customer_id = acme.customer_id
    build_stripe_client().v1.customers.delete(customer_id)
    customers.pull_customer(customer_id)

    reconcile.reconcile_organization(organization_id=acme.row.pk)
    acme.subscribe()

    assert acme.subscription.status == "active"
    assert Subscription.objects.filter(organization=acme.row, status="canceled").exists()


def test_reconciliation_stores_a_profile_whose_event_was_lost(create_organization):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    providers.get_provider().update_customer(customer_id, Profile(name="Acme GmbH"))

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    assert customers.get_profile(acme.row).billing_name == "Acme GmbH"


def test_reconciliation_finds_a_subscription_whose_events_were_lost(create_organization):
    acme = create_organization()
    acme.pay_checkout(acme.open_checkout())

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    assert (acme.subscription.status, acme.seat_state) == ("active", "in_sync")


def test_period_lies_in_the_future(create_organization):
    row = create_organization().subscribe().subscription

    assert row.current_period_end - row.current_period_start > timedelta(days=27)
