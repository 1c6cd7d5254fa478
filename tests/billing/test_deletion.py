"""End the subscriptions of a deleted organization."""

import pytest

from billing import providers, tasks
from billing.seat_sync import reconcile
from billing.subscriptions import changes, subscriptions
from kit.outbound import VendorUnavailable
from tests.billing.support import (
    find_waiting_jobs,
)


def fetch_subscription(organization):
    return providers.get_provider("stripe").fetch_subscription(
        organization.subscription.external_id
    )


def test_deletion_ends_the_subscription(create_organization):
    acme = create_organization().subscribe()
    acme.delete()
    assert find_waiting_jobs("billing.end_subscriptions", organization_id=str(acme.row.pk)).exists()

    tasks.end_subscriptions(organization_id=str(acme.row.pk))

    assert fetch_subscription(acme).status == "canceled"
    assert acme.row.pk not in reconcile.list_abandoned()


def test_deletion_during_an_outage_of_stripe_is_retried(create_organization):
    acme = create_organization().subscribe()
    acme.delete()
    acme.add_fault(status=503)
    with pytest.raises(VendorUnavailable):
        tasks.end_subscriptions(organization_id=str(acme.row.pk))

    assert acme.row.pk in reconcile.list_abandoned()
    tasks.end_subscriptions(organization_id=str(acme.row.pk))
    assert fetch_subscription(acme).status == "canceled"


def test_subscription_that_ended_without_webhook_is_stored_and_not_ended_again(
    create_organization,
):
    acme = create_organization().subscribe()
    acme.delete()
    path = f"/subscriptions/{acme.subscription.external_id}"
    acme.sandbox.post(f"/stripe{path}", status="canceled")

    for _ in range(2):
        changes.end_all_subscriptions(organization_id=acme.row.pk)

    assert acme.subscription.has_ended
    assert len(acme.sandbox.requests("stripe", "DELETE", path)) == 1


def test_subscription_paid_after_deletion_is_ended(create_organization):
    acme = create_organization()
    page = acme.open_checkout()
    acme.delete()

    subscriptions.pull_subscription("stripe", acme.pay_checkout(page))

    assert find_waiting_jobs("billing.end_subscriptions", organization_id=str(acme.row.pk)).exists()


def test_end_job_of_a_live_organization_ends_nothing(create_organization):
    acme = create_organization().subscribe()

    changes.end_all_subscriptions(organization_id=acme.row.pk)

    assert fetch_subscription(acme).status == "active"
