"""Events.

Signed, whole, kept, and sent in order unless disorder is asked for.
"""

import json

import pytest
import stripe


def updated(shop):
    """The newest change of a subscription that was sent."""
    return shop.events(type="customer.subscription.updated")[-1]


def test_signature_is_accepted_by_the_sdk(shop, receiver, served):
    shop.forget_events()
    shop.customer()
    shop.events()

    path, headers, body = receiver.received[-1]
    secret = served.settings.stripe_webhook_secret
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)

    assert (path, event.type) == ("/webhooks/stripe", "customer.created")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_signature_is_made_when_sent_not_when_it_happened(shop, receiver, served):
    subscription = shop.subscribed()
    shop.forget_events()

    shop.control.advance(days=400)
    shop.events()

    secret = served.settings.stripe_webhook_secret
    for _, headers, body in receiver.received:
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    assert len(shop.invoices(subscription)) > 1


def test_seat_change_event_has_previous_items_and_request_id(shop):
    subscription = shop.subscribed(seats=5)
    item = subscription.items.data[0].id

    answer = shop.api.subscription_items.update(item, {"quantity": 8}, {"idempotency_key": "a:1"})

    event = updated(shop)
    (before,) = event["data"]["previous_attributes"]["items"]["data"]
    (after,) = event["data"]["object"]["items"]["data"]
    assert (before["quantity"], after["quantity"]) == (5, 8)
    assert before["price"]["id"] == shop.monthly.id
    assert event["request"] == {"id": answer.last_response.request_id, "idempotency_key": "a:1"}
    assert (event["api_version"], event["livemode"]) == (stripe.api_version, False)


def test_update_without_changes_sends_no_event(shop):
    subscription = shop.subscribed(seats=5)
    shop.forget_events()

    shop.seats(subscription, 5)
    shop.api.customers.update(subscription.customer, {"name": "Acme"})

    assert shop.types() == []


def test_replay_sends_no_second_event(shop):
    shop.forget_events()
    for _ in range(2):
        shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k"})

    assert shop.types() == ["customer.created"]


def test_paid_checkout_sends_its_events_in_order(shop):
    session = shop.checkout(subscription_data={"metadata": {"organization_id": "7"}})
    shop.forget_events()

    shop.control.post(f"/checkout/{session.id}/pay")

    events = shop.events()
    assert [event["type"] for event in events] == [
        "payment_method.attached",
        "checkout.session.completed",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    completed, created, draft = (events[n]["data"]["object"] for n in (1, 2, 3))
    assert completed["subscription"] == created["id"]
    assert (created["status"], created["metadata"]) == ("active", {"organization_id": "7"})
    assert draft["status"] == "draft"


def test_disorder_is_a_switch(shop):
    session = shop.checkout()
    shop.forget_events()
    shop.control.post("/webhooks", duplicate=1, shuffle=True, vendor="stripe")

    shop.control.post(f"/checkout/{session.id}/pay")

    ids = [event["id"] for event in shop.events()]
    assert (len(ids), len(set(ids))) == (14, 7)
    made = [r["event_id"] for r in shop.control.get("/webhooks/deliveries")["deliveries"]][-14:]
    assert sorted(ids) == sorted(made)
    assert ids != made  # of one request, so that no slow machine puts them in order again


def test_events_are_listed_by_type_and_time(shop):
    subscription = shop.subscribed()
    shop.control.advance(days=32)

    paid = shop.api.events.list({"types": ["invoice.paid", "invoice.voided"]}).data
    assert [event.type for event in paid] == ["invoice.paid", "invoice.paid"]
    renewed = subscription.items.data[0].current_period_end
    later = shop.api.events.list({"type": "invoice.*", "created": {"gte": renewed}}).data
    assert {event.created for event in later} == {renewed, renewed + 3600}
    assert shop.api.events.retrieve(paid[0].id).data.object.id == paid[0].data.object.id


def test_events_missed_during_an_outage_are_found(shop, control):
    shop.forget_events()
    control.post("/webhooks", drop=1, vendor="stripe")
    missed, delivered = shop.customer(), shop.customer()
    shop.events()

    failed = shop.api.events.list({"delivery_success": False, "type": "customer.created"}).data
    assert [event.data.object.id for event in failed] == [missed.id]
    arrived = shop.api.events.list({"delivery_success": True, "type": "customer.created"}).data
    assert [event.data.object.id for event in arrived] == [delivered.id]


def test_body_sent_is_the_event_kept(shop, receiver):
    shop.forget_events()
    shop.customer(metadata={"ü": "✓"})
    shop.events()

    sent = json.loads(receiver.received[-1][2])

    assert sent == shop.api.events.retrieve(sent["id"]).to_dict()
