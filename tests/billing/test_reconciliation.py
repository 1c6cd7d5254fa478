"""What no one asks for: comparing later, following what staff and other slices decide."""

import json

import pytest

from billing import providers, tasks
from billing.customers import customers
from billing.models import Plan
from billing.providers.stripe import webhooks
from billing.providers.types import Profile
from billing.seat_rules import Mode
from billing.seat_sync import reconcile
from billing.seats import preview, report
from billing.subscriptions import changes, subscriptions
from kit.outbound import VendorUnavailable
from tests.billing.support import build_stripe_client, find_waiting_jobs


def at_stripe(organization):
    return providers.get_provider().fetch_subscription(organization.subscription.external_id)


def test_one_reconciliation_waits_while_stripe_does_not_answer(create_organization):
    acme = create_organization().subscribe()
    acme.add_fault(status=503, times=100)
    acme.sandbox.post("/faults", vendor="stripe", path="/v1/subscriptions", status=503, times=100)

    for _ in range(5):  # five hours of it
        reconcile.defer_reconciliations([acme.row.pk])
        tasks.reconcile_organization(organization_id=str(acme.row.pk))

    jobs = find_waiting_jobs("billing.reconcile_organization", organization_id=str(acme.row.pk))
    assert jobs.count() == 1


def test_unsettled_seats_are_reconciled_hourly_and_paid_ones_nightly(
    create_organization,
):
    acme, globex, free = (
        create_organization().subscribe(),
        create_organization().subscribe(),
        create_organization(),
    )
    acme.edit_at_stripe(status="unpaid")
    acme.add_member()

    def compared():
        job = "billing.reconcile_organization"
        organizations = (acme, globex, free)
        return [
            find_waiting_jobs(job, organization_id=str(one.row.pk)).count() for one in organizations
        ]

    tasks.reconcile_dirty()
    assert compared() == [1, 0, 0]
    tasks.reconcile_all()
    assert compared() == [1, 1, 0]


def test_deletion_ends_the_subscription(create_organization):
    acme = create_organization().subscribe()
    acme.delete()
    assert find_waiting_jobs("billing.end_subscriptions", organization_id=str(acme.row.pk)).exists()

    tasks.end_subscriptions(organization_id=str(acme.row.pk))

    assert at_stripe(acme).status == "canceled"
    assert acme.row.pk not in reconcile.list_abandoned()


def test_deletion_during_an_outage_of_stripe_is_retried(create_organization):
    acme = create_organization().subscribe()
    acme.delete()
    acme.add_fault(status=503)
    with pytest.raises(VendorUnavailable):
        tasks.end_subscriptions(organization_id=str(acme.row.pk))

    assert acme.row.pk in reconcile.list_abandoned()
    tasks.end_subscriptions(organization_id=str(acme.row.pk))
    assert at_stripe(acme).status == "canceled"


def test_subscription_paid_after_deletion_is_ended(create_organization):
    acme = create_organization()
    page = acme.open_checkout()
    acme.delete()

    subscriptions.pull_subscription(acme.pay_checkout(page))

    assert find_waiting_jobs("billing.end_subscriptions", organization_id=str(acme.row.pk)).exists()


def test_end_job_of_a_live_organization_ends_nothing(create_organization):
    acme = create_organization().subscribe()

    changes.end_all_subscriptions(organization_id=acme.row.pk)

    assert at_stripe(acme).status == "active"


def test_surplus_subscription_is_synced_after_the_first_has_ended(create_organization):
    acme = create_organization().subscribe()
    first = acme.subscription
    second = acme.pay_checkout(
        providers.get_provider().open_checkout(acme.build_checkout_request(), key=f"2-{first.pk}")
    )
    subscriptions.pull_subscription(second)
    acme.add_member()

    changes.end_subscription_now(organization=acme.row)
    job = find_waiting_jobs("billing.pull_subscription", external_id=second).first()
    tasks.pull_subscription(external_id=job.args["external_id"])
    acme.sync_seats()

    assert acme.subscription.external_id == second
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


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


def test_long_billing_name_is_cut(create_organization):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    providers.get_provider().update_customer(customer_id, Profile(name="A" * 300, city="B" * 200))

    customers.pull_customer(customer_id)

    known = customers.get_profile(acme.row)
    assert (known.billing_name, known.billing_city) == ("A" * 256, "B" * 128)


@pytest.mark.parametrize(
    "type_", ["invoice.upcoming", "customer.tax_id.deleted", "balance.available"]
)
def test_event_of_an_object_without_an_id_is_accepted(type_):
    event = {"id": "evt_1", "type": type_, "livemode": False, "created": 1, "data": {"object": {}}}

    assert webhooks.parse_event(json.dumps(event).encode()).object_key == ""
