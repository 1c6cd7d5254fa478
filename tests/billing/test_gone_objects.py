"""Check what follows when the provider does not know an object that is stored here."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from billing.customers import customers
from billing.errors import PaymentRefused, SubscriptionNotChangeable
from billing.handlers import GONE_AFTER
from billing.invoices import invoices
from billing.models import Invoice
from billing.providers.stripe import webhooks
from billing.seat_sync import reconcile
from billing.subscriptions import subscriptions
from kit.ids import uuid7
from kit.outbound import VendorNotFound
from tests.billing.support import build_stripe_client, hide_at_stripe, list_event_types
from webhooks.inbound import registry
from webhooks.inbound.registry import Ignored, ReceivedEvent, RetryLater


def handle_event(type_, key, *, age):
    """Run the handler of an event of Stripe of that age about an object."""
    occurred_at = datetime.now(UTC) - age
    received = ReceivedEvent(
        id=uuid7(), source="stripe", type=type_, object_key=key, payload={}, occurred_at=occurred_at
    )
    registry.find_handler("stripe", type_)(received)


def test_customer_stripe_does_not_know_is_recreated_at_the_next_purchase(create_organization):
    acme = create_organization()
    acme.open_checkout()
    unknown_id = acme.customer_id
    hide_at_stripe(acme, unknown_id)
    acme.sandbox.post(
        "/faults",
        vendor="stripe",
        path="/v1/checkout/sessions",
        method="GET",
        status=404,
        times=1,
        body={"error": {"type": "invalid_request_error", "code": "resource_missing"}},
    )
    with pytest.raises(PaymentRefused):
        acme.open_checkout()

    customers.pull_customer("stripe", unknown_id)
    acme.sandbox.delete("/faults")

    acme.row.customer.refresh_from_db()
    assert acme.open_checkout().url
    assert customers.get_profile(acme.row).external_id != unknown_id


def test_customer_stripe_does_not_know_stays_while_its_subscription_lives(create_organization):
    acme = create_organization().subscribe()
    hide_at_stripe(acme, acme.customer_id)

    customers.pull_customer("stripe", acme.customer_id)

    assert customers.get_profile(acme.row).external_id == acme.customer_id


def test_subscription_stripe_does_not_know_is_marked_and_ended_by_staff(create_organization):
    acme = create_organization(seats=2).subscribe()
    hide_at_stripe(acme, acme.subscription.external_id)

    row = subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    assert (row.status, row.missing_since is None) == ("active", False)

    subscriptions.end_missing(row)

    assert (acme.subscription.status, acme.seat_state) == ("canceled", "none")
    assert list_event_types(acme, "subscription.")[-1] == "subscription.ended"
    assert list_event_types(acme, "seats.") == []


def test_subscription_that_was_found_again_is_no_longer_missing(create_organization):
    acme = create_organization().subscribe()
    hide_at_stripe(acme, acme.subscription.external_id)
    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sandbox.delete("/faults")

    row = subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    assert row.missing_since is None
    with pytest.raises(SubscriptionNotChangeable):
        subscriptions.end_missing(row)


def test_reconciliation_goes_on_without_a_customer_stripe_does_not_know(create_organization):
    acme = create_organization(seats=2).subscribe()
    customer_id = acme.customer_id
    hide_at_stripe(acme, customer_id)
    error = {"type": "invalid_request_error", "code": "resource_missing"}
    for path in ("/v1/subscriptions$", "/v1/invoices$"):  # lists of that customer
        acme.sandbox.post(
            "/faults",
            vendor="stripe",
            path=path,
            method="GET",
            status=400,
            times=9,
            body={"error": error},
        )
    acme.add_member()

    reconcile.reconcile_organization(organization_id=acme.row.pk)

    acme.sandbox.delete("/faults")
    assert (acme.billed_quantity, acme.customer_id) == (3, customer_id)


def test_missing_subscription_does_not_keep_a_new_one_out(create_organization):
    acme = create_organization().subscribe()
    hide_at_stripe(acme, acme.subscription.external_id)
    second = acme.subscribe_at_stripe()

    row = subscriptions.pull_subscription("stripe", second)

    assert (row.external_id, row.is_surplus) == (second, True)
    assert acme.subscription.missing_since is not None
    subscriptions.end_missing(acme.subscription)
    assert subscriptions.pull_subscription("stripe", second).is_surplus is False


def test_staff_end_a_missing_subscription_in_the_admin(create_organization, staff_client):
    acme = create_organization().subscribe()
    hide_at_stripe(acme, acme.subscription.external_id)
    row = subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    staff_client.post(
        reverse("admin:billing_subscription_changelist"),
        {"action": "end_missing", "_selected_action": [str(row.pk)]},
    )

    assert acme.subscription.has_ended


def test_event_of_an_unknown_object_is_ignored_after_minutes(create_organization):
    create_organization()

    with pytest.raises(RetryLater):
        handle_event("customer.subscription.updated", "sub_unknown", age=timedelta(seconds=5))
    with pytest.raises(Ignored):
        handle_event("customer.subscription.updated", "sub_unknown", age=GONE_AFTER)
    with pytest.raises(Ignored):
        handle_event("invoice.paid", "in_unknown", age=GONE_AFTER)


def test_invoice_of_a_deleted_customer_is_still_followed(create_organization):
    acme = create_organization().subscribe()
    stripe_invoice = acme.list_invoices()[0]
    invoices.pull_invoice("stripe", stripe_invoice.id)
    build_stripe_client().v1.customers.delete(acme.customer_id)
    customers.pull_customer("stripe", acme.customer_id)
    Invoice.objects.filter(external_id=stripe_invoice.id).update(status="open")

    assert invoices.pull_invoice("stripe", stripe_invoice.id).organization_id == acme.row.pk

    assert Invoice.objects.get(external_id=stripe_invoice.id).status == "paid"


@pytest.mark.parametrize("metadata", [None, "", {}, {"organization_id": "x" * 500}])
def test_metadata_of_any_form_leaves_an_event_readable(metadata):
    event = {
        "id": "evt_1",
        "type": "customer.subscription.updated",
        "livemode": False,
        "created": 1_700_000_000,
        "data": {"object": {"id": "sub_1", "metadata": metadata}},
    }

    header = webhooks.parse_event(json.dumps(event).encode())

    assert (header.object_key, header.organization_hint) == ("sub_1", "")


def test_paused_collection_is_shown_and_recorded(create_organization):
    acme = create_organization().subscribe()
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"pause_collection": {"behavior": "void"}}
    )

    subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    assert (acme.subscription.status, acme.subscription.is_collection_paused) == ("active", True)
    assert list_event_types(acme, "subscription.")[-1] == "subscription.changed"


def test_deleted_draft_is_deleted_here(create_organization):
    _, row = create_unknown_invoice(create_organization, status="draft")

    assert invoices.pull_invoice("stripe", row.external_id) is None

    assert not Invoice.objects.filter(pk=row.pk).exists()


def test_open_invoice_stripe_does_not_know_is_void_here(create_organization):
    acme, row = create_unknown_invoice(create_organization, status="open")

    invoices.pull_invoice("stripe", row.external_id)
    invoices.pull_invoice("stripe", row.external_id)

    row.refresh_from_db()
    assert row.status == "void"
    assert list_event_types(acme, "invoice.voided").count("invoice.voided") == 1


def test_invoice_of_another_account_stays_open(create_organization):
    acme, row = create_unknown_invoice(create_organization, status="open")
    hide_at_stripe(acme, acme.customer_id)

    with pytest.raises(VendorNotFound):
        invoices.pull_invoice("stripe", row.external_id)

    row.refresh_from_db()
    assert row.status == "open"


def create_unknown_invoice(create_organization, *, status):
    """Store an invoice of a new organization that Stripe does not know."""
    acme = create_organization().subscribe()
    known = acme.list_invoices()[0]
    row = invoices.pull_invoice("stripe", known.id)
    Invoice.objects.filter(pk=row.pk).update(status=status)
    hide_at_stripe(acme, row.external_id)
    return acme, row
