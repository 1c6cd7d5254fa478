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
from tests.billing.support import LANDING, sell, stripe_client, together, waiting
from tests.billing.test_inbound import types
from tests.harness.stack import poll


def test_checkout_sells_the_seats_counted_at_that_moment(firm):
    acme = firm(seats=3)
    acme.join("viewer")

    acme.subscribe()

    assert (acme.billed, acme.state, acme.sent()) == (3, "in_sync", [])


def test_member_who_joined_during_checkout_is_counted_on_completion(firm):
    acme = firm(seats=2)
    page = acme.checkout()
    acme.join()

    checkout_id = acme.pay(page)
    subscriptions.pull_subscription(checkout_id)
    acme.sync()

    assert (acme.billed, acme.state) == (3, "in_sync")


def test_second_checkout_is_refused_while_one_is_live(firm):
    acme = firm().subscribe()

    with pytest.raises(SubscriptionExists):
        acme.checkout()


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused", "incomplete"])
def test_second_checkout_is_refused_in_trouble_too(firm, status):
    acme = firm().subscribe()
    Subscription.objects.filter(pk=acme.subscription.pk).update(status=status)

    with pytest.raises(SubscriptionExists):
        acme.checkout()


def test_checkout_is_refused_when_a_payment_has_not_reached_us_yet(firm):
    acme = firm()
    acme.pay(acme.checkout())

    with pytest.raises(SubscriptionExists):
        acme.checkout()


def test_newer_checkout_closes_the_older(firm):
    acme = firm()
    older, newer = acme.checkout(), acme.checkout()

    open_ = providers.get_provider().list_open_checkouts(
        acme.organization.customer.stripe_customer_id
    )

    assert [page.external_id for page in open_] == [newer.external_id]
    assert older.external_id != newer.external_id


def test_two_tabs_at_once_leave_one_page_open(firm):
    acme = firm()

    together(acme.checkout, acme.checkout)

    customer_id = acme.organization.customer.stripe_customer_id
    assert len(providers.get_provider().list_open_checkouts(customer_id)) == 1


def test_concurrent_requests_create_one_customer(firm):
    acme = firm()

    together(*[acme.checkout] * 3)

    made = [
        request
        for request in acme.sandbox.requests("stripe", "POST", "/v1/customers")
        if (request["body"] or {}).get("metadata[organization_id]") == str(acme.organization.pk)
    ]
    assert len(made) == 1


@pytest.mark.parametrize("door", ["checkout", "portal"])
def test_customer_deleted_without_webhook_is_recreated_at_the_next_attempt(firm, door):
    acme = firm()
    acme.checkout()
    customer_id = acme.organization.customer.stripe_customer_id
    stripe_client().v1.customers.delete(customer_id)
    doors = {
        "checkout": acme.checkout,
        "portal": lambda: portal.create_portal_link(
            organization=acme.organization, return_url=LANDING
        ),
    }

    with pytest.raises(PaymentRefused):
        doors[door]()
    job = waiting("billing.pull_customer", customer_id=customer_id).get()
    tasks.pull_customer(customer_id=job.args["customer_id"])

    doors[door]()


def test_trial_follows_members_for_nothing(firm):
    acme = firm(trial_days=14).subscribe()
    acme.join()

    acme.sync()

    assert (acme.subscription.status, acme.billed) == ("trialing", 2)
    assert acme.sent()[-1]["body"]["proration_behavior"] == "none"
    stripe_client().v1.subscriptions.update(acme.subscription.external_id, {"trial_end": "now"})
    first = acme.invoices()[0]
    assert first.total == 2 * acme.price.amount  # the count at conversion


def test_seat_after_a_trial_that_ended_without_webhook_is_charged(firm):
    acme = firm(trial_days=14).subscribe()
    stripe_client().v1.subscriptions.update(acme.subscription.external_id, {"trial_end": "now"})
    Subscription.objects.filter(pk=acme.subscription.pk).update(current_period_end=timezone.now())
    acme.join()

    acme.sync()

    assert acme.sent()[-1]["body"]["proration_behavior"] == "create_prorations"
    assert (acme.subscription.status, acme.billed) == ("active", 2)


def test_second_subscription_has_no_second_trial(firm):
    acme = firm(trial_days=14).subscribe()
    changes.end_subscription_now(organization=acme.organization)

    acme.subscribe()

    assert acme.subscription.status == "active"


def test_past_due_holds_joins_and_sends_departures_and_recovers(firm):
    acme = firm(seats=3).subscribe()
    acme.in_dashboard(status="past_due")
    acme.join()
    acme.sync()
    assert (acme.state, acme.billed) == ("held", 3)

    acme.leave(acme.members[0])
    acme.leave(acme.members[1])
    acme.sync()
    assert (acme.state, acme.billed) == ("in_sync", 2)
    assert acme.sent()[-1]["body"]["proration_behavior"] == "none"

    acme.join()
    acme.in_dashboard(status="active")
    acme.sync()
    assert (acme.state, acme.billed) == ("in_sync", 3)


@pytest.mark.parametrize("status", ["unpaid", "paused"])
def test_nothing_is_sent_while_it_rests(firm, status):
    acme = firm().subscribe()
    acme.in_dashboard(status=status)
    acme.join()

    acme.sync()

    assert (acme.state, acme.sent()) == ("held", [])


def test_grace_starts_with_the_first_failure_and_is_not_extended(firm):
    acme = firm().subscribe()
    acme.in_dashboard(status="past_due")
    since = acme.subscription.past_due_since

    acme.in_dashboard(metadata={"seen": "again"})
    assert acme.subscription.past_due_since == since
    acme.in_dashboard(status="active")

    assert acme.subscription.past_due_since is None


def test_ending_sends_additions_and_silent_departures(firm):
    acme = firm(seats=2).subscribe()
    changes.cancel_subscription(organization=acme.organization)
    acme.join()
    acme.sync()
    acme.leave(acme.members[0])

    acme.sync()

    behaviors = [request["body"]["proration_behavior"] for request in acme.sent()]
    assert behaviors == ["create_prorations", "none"]


def test_scheduled_end_can_be_taken_back(firm):
    acme = firm().subscribe()

    assert changes.cancel_subscription(organization=acme.organization).cancel_at_period_end
    assert not changes.resume_subscription(organization=acme.organization).is_ending
    with pytest.raises(SubscriptionNotChangeable):
        changes.resume_subscription(organization=acme.organization)


def test_paused_one_goes_on_once_it_is_paid(firm):
    acme = firm().subscribe()
    customer_id = acme.organization.customer.stripe_customer_id
    acme.in_dashboard(status="paused")
    acme.join()
    acme.sandbox.post(f"/stripe/customers/{customer_id}/payment", outcome="decline", times=1)

    assert changes.resume_subscription(organization=acme.organization).status == "paused"
    assert changes.resume_subscription(organization=acme.organization).status == "active"
    acme.sync()

    assert (acme.billed, acme.state) == (2, "in_sync")


@pytest.mark.parametrize("how", [changes.cancel_subscription, changes.end_subscription_now])
def test_paused_one_can_be_left_for_another(firm, how):
    acme = firm().subscribe()
    acme.in_dashboard(status="paused")

    assert how(organization=acme.organization).has_ended
    acme.subscribe()

    assert acme.subscription.is_active


def test_refused_seat_update_pulls_a_subscription_that_ended_without_webhook(firm):
    acme = firm().subscribe()
    row = acme.subscription
    acme.sandbox.post(f"/stripe/subscriptions/{row.external_id}", status="canceled")

    with pytest.raises(SubscriptionMissing):
        changes.end_subscription_now(organization=acme.organization)

    assert waiting("billing.pull_subscription", external_id=row.external_id).exists()


def test_canceled_and_bought_again_is_two_rows_and_one_live(firm):
    acme = firm(seats=2).subscribe()
    first = acme.subscription
    changes.end_subscription_now(organization=acme.organization)
    acme.join()
    acme.sync()

    acme.subscribe()

    rows = Subscription.objects.filter(organization=acme.organization).order_by("started_at")
    assert [row.has_ended for row in rows] == [True, False]
    assert acme.subscription != first
    assert (acme.billed, acme.state) == (3, "in_sync")


def test_plan_change_sends_the_current_count_in_the_same_call(firm):
    acme = firm(seats=2).subscribe()
    acme.join()
    price = sell(minimum_seats=1)

    changes.change_price(organization=acme.organization, price=price)

    (request,) = acme.sent()
    assert request["body"]["items[0][quantity]"] == "3"
    assert request["body"]["items[0][price]"] == price.stripe_price_id
    assert (acme.subscription.price, acme.state, acme.billed) == (price, "in_sync", 3)


def test_plan_change_counts_by_the_new_plans_rules(firm):
    acme = firm(seats=2).subscribe()
    acme.join("viewer")

    changes.change_price(
        organization=acme.organization,
        price=sell(billable_roles=["admin", "member", "viewer"], minimum_seats=2),
    )

    assert (acme.billed, acme.state) == (3, "in_sync")


def test_join_and_departure_racing_a_plan_change_end_exact(firm):
    acme = firm(seats=3).subscribe()
    price = sell()

    together(
        lambda: changes.change_price(organization=acme.organization, price=price),
        lambda: (acme.join(), acme.sync()),
        lambda: (acme.leave(acme.members[0]), acme.join(), acme.sync()),
    )
    acme.sync()

    assert (acme.billed, acme.report.counted, acme.state) == (4, 4, "in_sync")
    assert acme.subscription.price == price


def test_change_of_plan_leaves_no_number_of_the_old_one_waiting(firm):
    acme = firm(seats=2).subscribe()
    acme.join()
    with (
        ThreadPoolExecutor(1) as pool,
        locks.hold_vendor_object("stripe", acme.subscription.external_id),
    ):
        waiting = pool.submit(together, acme.sync)
        poll(lambda: acme.attempts().filter(state="in_flight").exists(), what="the attempt")

        changes.change_price(organization=acme.organization, price=sell(minimum_seats=5))

    waiting.result()
    assert acme.quantities() == [5]
    assert (acme.billed, acme.state) == (5, "in_sync")


def test_change_to_the_same_price_is_refused(firm):
    acme = firm().subscribe()

    with pytest.raises(SubscriptionNotChangeable):
        changes.change_price(organization=acme.organization, price=acme.price)


def test_silence_during_cancellation_is_looked_into_by_a_job(firm, committed):
    acme = firm().subscribe()
    acme.fault(drop=True, after_effect=True, method="POST")

    with pytest.raises(VendorUnavailable):
        changes.cancel_subscription(organization=acme.organization)
    subscriptions.pull_subscription(acme.subscription.external_id)

    assert acme.subscription.cancel_at_period_end


def test_dashboard_edit_is_corrected(firm):
    acme = firm(seats=2).subscribe()

    acme.in_dashboard(quantity=9)
    assert acme.state == "drifted"
    acme.sync()

    assert (acme.billed, acme.state) == (2, "in_sync")


def test_dashboard_edit_is_only_reported_where_the_plan_says_so(firm):
    acme = firm(seats=2, drift_policy="report").subscribe()

    acme.in_dashboard(quantity=9)
    acme.join()
    acme.sync()
    assert (acme.billed, acme.state) == (9, "drifted")

    reconcile.reconcile_organization(organization_id=acme.organization.pk, corrects_drift=True)
    assert (acme.billed, acme.state) == (3, "in_sync")


def test_own_change_coming_back_starts_nothing(firm):
    acme = firm().subscribe()
    acme.join()
    acme.sync()

    for _ in range(3):
        subscriptions.pull_subscription(acme.subscription.external_id)
        acme.sync()

    assert acme.quantities() == [2]
    assert not acme.organization.seat_changes.filter(reason="quantity_edited").exists()


def test_contract_is_compared_and_never_written(firm):
    acme = firm(seats=2).subscribe()
    acme.remembered.__class__.objects.filter(organization=acme.organization).update(
        mode="manual", contract_seats=2
    )
    acme.join()

    acme.sync(is_forced=True)

    assert (acme.state, acme.billed, acme.sent()) == ("manual", 2, [])
    assert acme.report.counted == 3


def test_subscription_at_an_unconfigured_price_is_left_alone(firm):
    acme = firm(seats=2, minimum_seats=1).subscribe()
    Price.objects.filter(pk=acme.price.pk).update(stripe_price_id=f"other_{acme.price.pk}")
    acme.join()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync()

    assert (acme.state, acme.sent()) == ("misconfigured", [])


def test_seat_item_is_known_by_its_price_and_two_of_them_are_nobodys_guess(firm):
    acme = firm(minimum_seats=1).subscribe()
    second = sell()
    stripe_client().v1.subscription_items.create(
        {"subscription": acme.subscription.external_id, "price": second.stripe_price_id}
    )
    acme.join()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync()
    assert (acme.state, acme.sent()) == ("misconfigured", [])
    assert types(acme, "seats.") == ["seats.misconfigured"]

    Price.objects.filter(pk=acme.price.pk).update(stripe_price_id=f"other_{acme.price.pk}")
    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync()
    (request,) = acme.sent()
    assert request["body"]["items[0][id]"] == acme.subscription.stripe_item_id
    assert (acme.subscription.price, acme.subscription.quantity) == (second, 2)


def test_metered_price_is_never_sent_a_quantity(firm):
    acme = firm(minimum_seats=1).subscribe()
    Price.objects.filter(pk=acme.price.pk).update(usage="metered")
    acme.join()

    subscriptions.pull_subscription(acme.subscription.external_id)
    acme.sync()

    assert (acme.state, acme.sent()) == ("misconfigured", [])


def test_reconciling_twice_changes_nothing_the_second_time(firm):
    acme = firm().subscribe()
    acme.members[0].__class__.objects.create(
        organization=acme.organization,
        user=firm().members[0].user,
        stytch_member_id=f"member-{acme.organization.pk}",
        email="behind@our.example",
        role="member",
        status="active",
    )

    first = reconcile.reconcile_organization(organization_id=acme.organization.pk)
    sent, revision = len(acme.sent()), acme.report.revision
    second = reconcile.reconcile_organization(organization_id=acme.organization.pk)

    assert (first.counted, first.observed, acme.billed) == (2, 2, 2)
    assert second == first
    assert (len(acme.sent()), acme.report.revision) == (sent, revision)


def test_looking_changes_nothing(firm):
    acme = firm().subscribe()
    acme.join()

    finding = reconcile.inspect_seats(organization_id=acme.organization.pk)

    assert (finding.counted, finding.observed, finding.would_send) == (2, 1, True)
    assert acme.sent() == []


def test_reconciliation_finds_what_ended_with_its_customer(firm):
    acme = firm().subscribe()
    customer_id = acme.organization.customer.stripe_customer_id
    stripe_client().v1.customers.delete(customer_id)
    customers.pull_customer(customer_id)

    reconcile.reconcile_organization(organization_id=acme.organization.pk)
    acme.subscribe()

    assert acme.subscription.status == "active"
    assert Subscription.objects.filter(organization=acme.organization, status="canceled").exists()


def test_reconciliation_makes_up_for_a_lost_word_of_the_customer(firm):
    acme = firm()
    acme.checkout()
    customer_id = acme.organization.customer.stripe_customer_id
    providers.get_provider().update_customer(customer_id, Profile(name="Acme GmbH"))

    reconcile.reconcile_organization(organization_id=acme.organization.pk)

    assert customers.get_profile(acme.organization).billing_name == "Acme GmbH"


def test_reconciliation_finds_a_subscription_whose_events_were_lost(firm):
    acme = firm()
    acme.pay(acme.checkout())

    reconcile.reconcile_organization(organization_id=acme.organization.pk)

    assert (acme.subscription.status, acme.state) == ("active", "in_sync")


def test_period_lies_in_the_future(firm):
    row = firm().subscribe().subscription

    assert row.current_period_end - row.current_period_start > timedelta(days=27)
