"""Check seats in each status of a subscription, from the trial to the end."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.errors import (
    SubscriptionExists,
    SubscriptionMissing,
    SubscriptionNotChangeable,
)
from billing.models import Subscription
from billing.subscriptions import changes, subscriptions
from events.models import Event
from kit.outbound import VendorUnavailable
from tenancy import routing
from tests.billing.support import (
    build_stripe_client,
    find_waiting_jobs,
    list_event_types,
)


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


def test_start_and_an_end_by_date_are_recorded(create_organization):
    acme = create_organization().subscribe()
    row = acme.subscription
    end = row.current_period_end - timedelta(hours=1)
    build_stripe_client().v1.subscriptions.update(
        row.external_id, {"cancel_at": int(end.timestamp())}
    )
    subscriptions.pull_subscription("stripe", row.external_id)

    with routing.activate(acme.row):
        events = Event.objects.filter(type__startswith="subscription.").order_by("occurred_at")
        started, changed = [event.changes for event in events]

    assert started == {
        "status": [None, "active"],
        "price": [None, str(row.price_id)],
        "cancel_at_period_end": [None, False],
        "collection_paused": [None, False],
        "seat_item": [None, "found"],
    }
    assert list(changed) == ["cancel_at"]
    assert (changed["cancel_at"][0], acme.subscription.cancel_at) == (None, end)


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


def test_resumed_subscription_is_charged_for_the_present_count(create_organization):
    acme = create_organization(seats=3, trial_days=14).subscribe()
    acme.edit_at_stripe(status="paused")
    acme.remove_member(acme.members[0])
    acme.add_member()
    acme.add_member()
    before = len(acme.list_invoices())

    changes.resume_subscription(organization=acme.row)

    assert (acme.subscription.status, acme.billed_quantity) == ("active", 4)
    assert acme.list_invoices()[: -before or None][0].total == 4_000
    assert "seats.drifted" not in list_event_types(acme, "seats.")


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


def test_checkout_is_refused_until_the_end_at_stripe_is_fetched(create_organization):
    acme = create_organization().subscribe()
    acme.sandbox.post(f"/stripe/subscriptions/{acme.subscription.external_id}", status="canceled")

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


def test_cancellation_with_unknown_outcome_is_pulled_by_a_job(create_organization, committed):
    acme = create_organization().subscribe()
    acme.add_fault(drop=True, after_effect=True, method="POST")

    with pytest.raises(VendorUnavailable):
        changes.cancel_subscription(organization=acme.row)
    subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    assert acme.subscription.cancel_at_period_end
