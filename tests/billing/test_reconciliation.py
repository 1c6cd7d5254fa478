"""Compare seats and subscriptions with Stripe, and repair them."""

from billing import providers, tasks
from billing.customers import customers
from billing.models import SeatState, Subscription
from billing.providers.types import Profile
from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from tests.billing.support import (
    build_stripe_client,
    find_waiting_jobs,
    list_event_types,
)


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
    customers.pull_customer("stripe", customer_id)

    reconcile.reconcile_organization(organization_id=acme.row.pk)
    acme.subscribe()

    assert acme.subscription.status == "active"
    assert Subscription.objects.filter(organization=acme.row, status="canceled").exists()


def test_reconciliation_stores_a_profile_whose_event_was_lost(create_organization):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    providers.get_provider("stripe").update_customer(customer_id, Profile(name="Acme GmbH"))

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    assert customers.get_profile(acme.row).billing_name == "Acme GmbH"


def test_reconciliation_finds_a_subscription_whose_events_were_lost(create_organization):
    acme = create_organization()
    acme.pay_checkout(acme.open_checkout())

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    assert (acme.subscription.status, acme.seat_state) == ("active", "in_sync")


def test_one_reconciliation_waits_while_stripe_does_not_answer(create_organization):
    acme = create_organization().subscribe()
    acme.add_fault(status=503, times=100)
    acme.sandbox.post("/faults", vendor="stripe", path="/v1/subscriptions", status=503, times=100)

    for _ in range(5):  # five hourly runs
        reconcile.defer_reconciliations([acme.row.pk])
        tasks.reconcile_organization(organization_id=str(acme.row.pk))

    jobs = find_waiting_jobs("billing.reconcile_organization", organization_id=str(acme.row.pk))
    assert jobs.count() == 1


def test_unsettled_seats_are_reconciled_hourly_and_wrong_counts_nightly(create_organization):
    acme, globex, free = (
        create_organization().subscribe(),
        create_organization().subscribe(),
        create_organization(),
    )
    acme.edit_at_stripe(status="unpaid")
    acme.add_member()

    def count_jobs():
        job = "billing.reconcile_organization"
        organizations = (acme, globex, free)
        return [
            find_waiting_jobs(job, organization_id=str(one.row.pk)).count() for one in organizations
        ]

    tasks.reconcile_dirty()
    assert count_jobs() == [1, 0, 0]
    SeatState.objects.filter(organization=globex.row).update(counted=7)
    tasks.reconcile_all()
    assert count_jobs() == [1, 1, 0]
    assert find_waiting_jobs("billing.compare_page", provider="stripe").count() >= 3


def test_surplus_subscription_changes_no_seats_and_its_end_is_recorded(create_organization):
    acme = create_organization().subscribe()
    second = acme.subscribe_at_stripe()
    surplus = subscriptions.pull_subscription("stripe", second)
    acme.sandbox.post(f"/stripe/subscriptions/{second}", quantity=9)
    subscriptions.pull_subscription("stripe", second)

    assert acme.seat_state == "in_sync"
    assert not acme.row.seat_changes.filter(subject_id=surplus.pk).exists()

    acme.sandbox.post(f"/stripe/subscriptions/{second}", status="canceled")
    subscriptions.pull_subscription("stripe", second)
    assert list_event_types(acme, "subscription.")[-1] == "subscription.ended"


def test_surplus_subscription_is_synced_after_the_first_has_ended(create_organization):
    acme = create_organization().subscribe()
    second = acme.subscribe_at_stripe()
    subscriptions.pull_subscription("stripe", second)
    acme.add_member()

    changes.end_subscription_now(organization=acme.row)
    job = find_waiting_jobs("billing.pull_subscription", external_id=second).first()
    find_waiting_jobs("billing.sync_seats", organization_id=str(acme.row.pk)).delete()
    tasks.pull_subscription(provider="stripe", external_id=job.args["external_id"])
    assert find_waiting_jobs("billing.sync_seats", organization_id=str(acme.row.pk)).exists()
    assert list_event_types(acme, "subscription.")[-1] == "subscription.started"
    acme.sync_seats()

    assert acme.subscription.external_id == second
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
