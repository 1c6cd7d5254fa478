"""The whole life of a subscription, by the sandbox's clock."""

import pytest
import stripe

DAY = 86400


def status(shop, subscription):
    return shop.again(subscription).status


def test_seat_subscription_from_checkout_to_cancellation(shop):
    subscription = shop.subscribed(seats=5)
    assert subscription.status == "active"

    shop.seats(subscription, 8)
    shop.seats(subscription, 6)
    assert shop.again(subscription).items.data[0].quantity == 6

    shop.payments_end(subscription.customer, "decline")
    shop.control.advance(days=32)
    assert status(shop, subscription) == "past_due"
    owed = shop.invoices(subscription)[0]
    assert (owed.status, owed.attempt_count) == ("open", 1)

    shop.payments_end(subscription.customer, "succeed")
    assert shop.api.invoices.pay(owed.id).status == "paid"
    assert status(shop, subscription) == "active"

    ended = shop.api.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})
    assert (ended.status, ended.cancellation_details.reason) == (
        "canceled",
        "cancellation_requested",
    )
    last = shop.invoices(subscription)[0]
    assert last.total < 0

    seen = shop.types()
    expected = [
        "checkout.session.completed",
        "customer.subscription.created",
        "invoice.paid",
        "customer.subscription.updated",
        "invoice.payment_failed",
        "invoice.payment_succeeded",
        "customer.subscription.deleted",
    ]
    assert [kind for kind in expected if kind not in seen] == []


def test_renewals_follow_each_other_at_their_own_moments(shop):
    subscription = shop.subscribed(seats=2)
    first = subscription.items.data[0]

    shop.control.advance(days=95)

    invoices = shop.invoices(subscription)[::-1]
    assert [invoice.billing_reason for invoice in invoices] == [
        "subscription_create",
        *["subscription_cycle"] * 3,
    ]
    assert invoices[1].created == first.current_period_end
    assert [invoice.number[-4:] for invoice in invoices] == ["0001", "0002", "0003", "0004"]
    assert shop.again(subscription).items.data[0].current_period_start == invoices[-1].created


def test_declined_renewal_is_retried_and_recovers(shop):
    subscription = shop.subscribed()
    shop.payments_end(subscription.customer, "decline", times=2)

    shop.control.advance(days=32)
    assert status(shop, subscription) == "past_due"
    shop.control.advance(days=9)

    assert status(shop, subscription) == "active"
    assert shop.invoices(subscription)[0].attempt_count == 3


@pytest.mark.parametrize(
    ("policy", "final"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_last_failed_attempt_follows_the_accounts_setting(shop, policy, final):
    subscription = shop.subscribed()
    shop.control.post("/stripe/settings", after_failed_payments=policy)
    shop.payments_end(subscription.customer, "decline")

    shop.control.advance(days=49)

    assert status(shop, subscription) == final
    assert shop.invoices(subscription)[0].attempt_count == 4


def test_unpaid_makes_invoices_but_does_not_charge_them(shop):
    subscription = shop.subscribed()
    shop.dashboard(subscription, status="unpaid")

    shop.control.advance(days=32)

    invoice = shop.invoices(subscription)[0]
    assert (invoice.status, invoice.attempt_count) == ("open", 0)
    shop.api.invoices.pay(invoice.id)
    assert status(shop, subscription) == "active"


def test_cancel_at_period_end_can_be_taken_back(shop):
    subscription = shop.subscribed()
    ends = shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert ends.cancel_at == ends.items.data[0].current_period_end

    stays = shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (stays.cancel_at, stays.canceled_at) == (None, None)

    shop.control.advance(days=32)
    assert status(shop, subscription) == "active"


def test_cancel_at_period_end_ends_without_another_invoice(shop):
    subscription = shop.subscribed()
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    shop.control.advance(days=32)

    ended = shop.again(subscription)
    assert (ended.status, ended.ended_at) == ("canceled", ended.cancel_at)
    assert len(shop.invoices(subscription)) == 1
    assert "customer.subscription.deleted" in shop.types()


def test_canceled_subscription_is_readable_but_hidden_and_final(shop):
    subscription = shop.subscribed()
    shop.api.subscriptions.cancel(subscription.id)

    mine = {"customer": subscription.customer}
    assert shop.api.subscriptions.list(mine).data == []
    assert len(shop.api.subscriptions.list({**mine, "status": "all"}).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="canceled subscription"):
        shop.seats(subscription, 6)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.subscriptions.cancel(subscription.id)


def test_trial_is_free_and_then_renews(shop):
    subscription = shop.subscribed(seats=5, subscription_data={"trial_period_days": 14})
    assert (subscription.status, shop.invoices(subscription)[0].total) == ("trialing", 0)

    shop.seats(subscription, 7)
    shop.control.advance(days=15)

    assert status(shop, subscription) == "active"
    assert [invoice.total for invoice in shop.invoices(subscription)] == [7 * 900, 0]
    assert "customer.subscription.trial_will_end" in shop.types()


@pytest.mark.parametrize(
    ("policy", "final"),
    [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")],
)
def test_trial_without_card_ends_as_agreed(shop, policy, final):
    settings = {"end_behavior": {"missing_payment_method": policy}}
    subscription = shop.subscribed(
        payment_method_collection="if_required",
        subscription_data={"trial_period_days": 14, "trial_settings": settings},
    )

    shop.control.advance(days=15)

    assert status(shop, subscription) == final


def test_trial_can_be_ended_now(shop):
    subscription = shop.subscribed(seats=5, subscription_data={"trial_period_days": 14})

    now = shop.api.subscriptions.update(subscription.id, {"trial_end": "now"})

    assert now.status == "active"
    assert shop.invoices(subscription)[0].total == 4500


def test_paused_subscription_is_not_billed_and_resumes(shop):
    subscription = shop.subscribed()
    paused = shop.api.subscriptions.pause(subscription.id)
    assert paused.status_details.paused.subscription.type == "pause_requested"

    shop.control.advance(days=40)
    assert len(shop.invoices(subscription)) == 1
    resumed = shop.api.subscriptions.resume(subscription.id)

    assert resumed.status == "active"
    assert len(shop.invoices(subscription)) == 2
    assert {"customer.subscription.paused", "customer.subscription.resumed"} <= set(shop.types())


def test_first_payment_may_take_a_day_then_the_subscription_expires(shop):
    customer = shop.with_card("pm_card_chargeCustomerFail")
    items = [{"price": shop.monthly.id, "quantity": 3}]
    subscription = shop.api.subscriptions.create({"customer": customer.id, "items": items})
    assert subscription.status == "incomplete"
    with pytest.raises(stripe.InvalidRequestError, match="incomplete"):
        shop.seats(subscription, 4)

    shop.control.advance(hours=23)

    assert status(shop, subscription) == "incomplete_expired"
    assert shop.invoices(subscription)[0].status == "void"


def test_incomplete_subscription_becomes_active_once_paid(shop):
    customer = shop.with_card()
    created = shop.api.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": shop.monthly.id, "quantity": 3}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    assert created.status == "incomplete"
    assert created.latest_invoice.confirmation_secret.client_secret.startswith("pi_")

    shop.api.invoices.pay(created.latest_invoice.id)

    assert status(shop, created) == "active"


def test_subscription_without_any_card_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        shop.api.subscriptions.create(
            {"customer": shop.customer().id, "items": [{"price": shop.monthly.id}]}
        )


def test_declined_payment_is_recorded_although_the_call_fails(shop):
    subscription = shop.subscribed()
    shop.payments_end(subscription.customer, "decline")
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0].id

    with pytest.raises(stripe.CardError):
        shop.api.invoices.pay(owed)

    assert shop.api.invoices.retrieve(owed).attempt_count == 2


def test_invoice_payments_tell_how_an_invoice_was_paid(shop):
    subscription = shop.subscribed()
    shop.payments_end(subscription.customer, "decline")
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0]

    def payments():
        return [p.status for p in shop.api.invoice_payments.list({"invoice": owed.id}).data]

    assert payments() == ["open"]
    outside = shop.api.invoices.pay(owed.id, {"paid_out_of_band": True})
    assert (outside.status, outside.amount_paid_off_stripe) == ("paid", owed.amount_due)
    assert payments() == ["canceled"]


def test_voided_invoice_can_no_longer_be_paid(shop):
    subscription = shop.subscribed()
    shop.payments_end(subscription.customer, "decline")
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0].id

    assert shop.api.invoices.void_invoice(owed).status == "void"

    with pytest.raises(stripe.InvalidRequestError):
        shop.api.invoices.pay(owed)


def test_dashboard_changes_name_no_request(shop):
    subscription = shop.subscribed(seats=5)
    shop.forget_events()

    assert shop.dashboard(subscription, quantity=9)["items"]["data"][0]["quantity"] == 9
    shop.dashboard(subscription, status="past_due")
    shop.dashboard(subscription, status="active")
    shop.dashboard(subscription, status="canceled")

    changes = [e for e in shop.events() if e["type"].startswith("customer.subscription.")]
    assert [e["data"]["object"]["status"] for e in changes] == [
        "active",
        "past_due",
        "active",
        "canceled",
    ]
    assert {e["request"]["id"] for e in changes} == {None}
