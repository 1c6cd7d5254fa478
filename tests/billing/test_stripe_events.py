"""Check that webhooks store what Stripe has, in any order and after duplicates."""

import itertools
import json
import time
from dataclasses import replace

import pytest

from billing import providers
from billing.customers import customers
from billing.models import Customer, Invoice, Subscription
from billing.providers.stripe import webhooks
from billing.providers.types import Profile
from billing.subscriptions import subscriptions
from kit.ids import uuid7
from tests.billing.support import build_stripe_client, list_event_types
from webhooks.inbound import registry
from webhooks.inbound.models import InboundEvent
from webhooks.inbound.registry import Ignored, ReceivedEvent

CREATED, UPDATED, DELETED = (
    f"customer.subscription.{x}" for x in ("created", "updated", "deleted")
)


def handle_event(type_, key):
    """Run the handler of an event of Stripe about an object."""
    received = ReceivedEvent(
        id=uuid7(), source="stripe", type=type_, object_key=key, payload={}, occurred_at=None
    )
    registry.find_handler("stripe", type_)(received)


def build_body(type_, thing, **more):
    return json.dumps(
        {
            "id": f"evt_{uuid7().hex}",
            "object": "event",
            "type": type_,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": thing},
        }
        | more
    ).encode()


@pytest.mark.parametrize(
    "order", list(itertools.permutations([CREATED, UPDATED, DELETED])), ids=" ".join
)
def test_order_of_events_does_not_change_the_result(create_organization, order):
    acme = create_organization(seats=2)
    external_id = acme.pay_checkout(acme.open_checkout())
    providers.get_provider("stripe").cancel_now(external_id, key=f"end-{external_id}")

    for type_ in (*order, order[0]):  # and one of them twice
        handle_event(type_, external_id)

    rows = Subscription.objects.filter(organization=acme.row)
    assert [(row.status, row.quantity) for row in rows] == [("canceled", 2)]
    assert (acme.seat_state, list_event_types(acme, "subscription.")) == (
        "none",
        ["subscription.started"],
    )


def test_update_before_creation_is_one_live_row(create_organization):
    acme = create_organization(seats=2)
    external_id = acme.pay_checkout(acme.open_checkout())

    for type_ in (UPDATED, CREATED, UPDATED):
        handle_event(type_, external_id)

    assert acme.subscription.is_active
    assert list_event_types(acme, "subscription.") == ["subscription.started"]


def test_paid_checkout_stores_its_subscription(create_organization):
    acme = create_organization()
    page = acme.open_checkout()
    acme.pay_checkout(page)

    handle_event("checkout.session.completed", page.external_id)

    assert acme.subscription.status == "active"


def test_new_subscription_is_live_when_its_event_comes_before_the_end_of_the_old_one(
    create_organization,
):
    acme = create_organization().subscribe()
    old = acme.subscription
    providers.get_provider("stripe").cancel_now(old.external_id, key=f"end-{old.external_id}")

    handle_event(CREATED, acme.subscribe_at_stripe())

    old.refresh_from_db()
    assert old.has_ended
    assert acme.subscription != old
    assert not acme.subscription.is_surplus


def test_second_live_subscription_is_reported_as_surplus(create_organization):
    acme = create_organization().subscribe()
    second = acme.subscribe_at_stripe()

    handle_event(CREATED, second)

    assert Subscription.objects.get(external_id=second).is_surplus
    assert acme.subscription.external_id != second
    assert list_event_types(acme, "subscription.") == [
        "subscription.started",
        "subscription.surplus_found",
    ]


def test_invoice_is_stored_and_recorded_once(create_organization):
    acme = create_organization(seats=2).subscribe()
    parameters = {"customer": acme.customer_id}
    (invoice,) = providers.get_provider("stripe")._v1.invoices.list(parameters).data

    for type_ in ("invoice.paid", "invoice.finalized", "invoice.paid"):
        handle_event(type_, invoice.id)

    row = Invoice.objects.get(organization=acme.row)
    assert (row.status, row.total, row.subscription) == ("paid", 2_400, acme.subscription)
    assert list_event_types(acme, "invoice.") == ["invoice.paid"]


def test_profile_edited_in_the_portal_is_stored_and_not_sent_back(create_organization):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    providers.get_provider("stripe").update_customer(
        customer_id, Profile(name="Acme GmbH", country="DE")
    )
    pushed = len(acme.sandbox.requests("stripe", "POST", f"/customers/{customer_id}"))

    handle_event("customer.updated", customer_id)

    customer = customers.get_profile(acme.row)
    assert (customer.billing_name, customer.billing_country) == ("Acme GmbH", "DE")
    assert len(acme.sandbox.requests("stripe", "POST", f"/customers/{customer_id}")) == pushed


def test_customer_deleted_at_stripe_is_recreated_at_the_next_purchase(create_organization):
    acme = create_organization().subscribe()
    customer_id = acme.customer_id
    build_stripe_client().v1.customers.delete(customer_id)

    handle_event("customer.deleted", customer_id)
    handle_event(DELETED, acme.subscription.external_id)
    acme.subscribe()

    assert Customer.objects.get(organization=acme.row).external_id != customer_id
    assert acme.subscription.is_active


def test_object_of_an_unknown_organization_is_ignored(create_organization):
    unknown_id = providers.get_provider("stripe").create_customer(
        uuid7(), Profile(), key=f"unknown-{uuid7()}"
    )

    with pytest.raises(Ignored):
        handle_event("customer.updated", unknown_id)


def test_customer_that_claims_an_organization_with_another_customer_is_ignored(create_organization):
    acme = create_organization().subscribe()
    claiming_id = providers.get_provider("stripe").create_customer(
        acme.row.pk, Profile(), key=f"claiming-{uuid7()}"
    )

    with pytest.raises(Ignored):
        handle_event("customer.updated", claiming_id)


def test_subscription_belongs_to_its_customer_despite_other_metadata(create_organization):
    acme, globex = create_organization(), create_organization()
    external_id = acme.pay_checkout(acme.open_checkout())
    build_stripe_client().v1.subscriptions.update(
        external_id, {"metadata": {"organization_id": str(globex.row.pk)}}
    )

    handle_event(UPDATED, external_id)

    assert acme.subscription.external_id == external_id
    assert not globex.row.subscriptions.exists()


@pytest.mark.parametrize(("key", "ignored"), [("sk_test_1", True), ("rk_live_1", False)])
def test_event_mode_must_match_the_api_key(settings, key, ignored):
    settings.STRIPE_SECRET_KEY = key

    reason = registry.reason_to_ignore("stripe", UPDATED, livemode=True)

    assert reason == ("wrong mode: live" if ignored else "")


def test_unknown_status_is_stored_and_changes_no_access(create_organization):
    acme = create_organization().subscribe()
    snapshot = providers.get_provider("stripe").fetch_subscription(acme.subscription.external_id)

    subscriptions.store_snapshot("stripe", replace(snapshot, status="invented"))
    acme.add_member()
    acme.sync_seats()

    assert (acme.subscription.status, acme.subscription.is_active) == ("invented", True)
    assert (acme.seat_state, acme.list_seat_requests()) == ("held", [])


@pytest.mark.parametrize(
    ("type_", "thing", "key"),
    [
        (CREATED, {"id": "sub_1", "metadata": {"organization_id": "o"}}, "sub_1"),
        ("customer.tax_id.updated", {"id": "txi_1", "customer": "cus_1"}, "cus_1"),
        ("invoice.paid", {"id": "in_1", "metadata": None}, "in_1"),
        ("credit_note.created", {"id": "cn_1", "invoice": "in_1"}, "in_1"),
    ],
)
def test_only_ids_are_read_from_an_event(type_, thing, key):
    hint = webhooks.parse_event(build_body(type_, thing))

    assert (hint.type, hint.object_key, hint.livemode) == (type_, key, False)


def test_webhook_of_the_sandbox_is_stored(create_organization):
    acme = create_organization()
    page = acme.open_checkout()
    acme.pay_checkout(page)

    acme.sandbox.post("/webhooks/drain", within=10)

    stored = InboundEvent.objects.filter(source="stripe", object_key=page.external_id)
    assert stored.filter(type="checkout.session.completed").count() == 1


def test_long_billing_name_is_cut(create_organization):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    providers.get_provider("stripe").update_customer(
        customer_id, Profile(name="A" * 300, city="B" * 200)
    )

    customers.pull_customer("stripe", customer_id)

    known = customers.get_profile(acme.row)
    assert (known.billing_name, known.billing_city) == ("A" * 256, "B" * 128)


@pytest.mark.parametrize(
    "type_", ["invoice.upcoming", "customer.tax_id.deleted", "balance.available"]
)
def test_event_of_an_object_without_an_id_is_accepted(type_):
    build_body = {
        "id": "evt_1",
        "type": type_,
        "livemode": False,
        "created": 1,
        "data": {"object": {}},
    }

    assert webhooks.parse_event(json.dumps(build_body).encode()).object_key == ""
