"""How invoices are collected: drafts of renewals and charges that need authentication."""

from datetime import datetime

import pytest
import stripe


@pytest.fixture
def subscription(shop):
    return shop.subscribed(seats=5)


def renew(shop, subscription, seconds=0):
    """Move the clock just behind the renewal."""
    end = subscription.items.data[0].current_period_end
    now = datetime.fromisoformat(shop.control.get("/clock")["now"]).timestamp()
    shop.control.advance(seconds=end - now + 60 + seconds)
    return shop.invoices(subscription)[0]


def test_renewal_is_a_draft_for_an_hour_and_then_paid(shop, subscription):
    shop.forget_events()

    draft = renew(shop, subscription)
    renewed = shop.again(subscription)
    assert (draft.status, draft.number, draft.auto_advance) == ("draft", None, True)
    assert draft.automatically_finalizes_at == draft.created + 3600
    assert (renewed.status, renewed.latest_invoice) == ("active", draft.id)
    assert shop.types() == ["invoice.created", "customer.subscription.updated"]

    shop.control.advance(hours=1)
    paid = shop.api.invoices.retrieve(draft.id)
    assert (paid.status, paid.automatically_finalizes_at) == ("paid", None)
    assert shop.types()[2:] == ["invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]


def test_invoice_period_lies_before_the_renewal(shop, subscription):
    item = subscription.items.data[0]
    draft = renew(shop, subscription)
    first = shop.invoices(subscription)[-1]

    assert first.period_start == first.period_end == item.current_period_start
    assert (draft.period_start, draft.period_end) == (
        item.current_period_start,
        item.current_period_end,
    )


def test_declined_renewal_is_past_due_after_the_draft(shop, subscription):
    shop.payments_end(subscription.customer, "decline", times=1)

    renew(shop, subscription)
    assert shop.again(subscription).status == "active"

    shop.control.advance(hours=1)
    assert shop.again(subscription).status == "past_due"


def test_credit_is_applied_when_the_draft_is_finalized(shop, subscription):
    draft = renew(shop, subscription)
    shop.api.customers.update(subscription.customer, {"balance": -500})

    shop.control.advance(hours=1)

    paid = shop.api.invoices.retrieve(draft.id)
    assert (paid.starting_balance, paid.amount_paid) == (-500, 4000)


def test_draft_of_a_subscription_that_ends_stays_a_draft(shop, subscription):
    draft = renew(shop, subscription)

    shop.api.subscriptions.cancel(subscription.id)
    shop.control.advance(hours=2)

    left = shop.api.invoices.retrieve(draft.id)
    assert (left.status, left.auto_advance, left.automatically_finalizes_at) == (
        "draft",
        False,
        None,
    )


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")],
)
def test_paused_collection_charges_no_renewal(shop, subscription, behavior, status):
    shop.api.subscriptions.update(subscription.id, {"pause_collection": {"behavior": behavior}})

    renew(shop, subscription, seconds=7200)

    assert shop.invoices(subscription)[0].status == status
    assert shop.again(subscription).status == "active"


def test_renewal_that_needs_authentication_is_past_due_until_confirmed(shop, subscription):
    shop.payments_end(subscription.customer, "authenticate", times=1)

    owed = renew(shop, subscription, seconds=3600)

    assert (shop.again(subscription).status, owed.status) == ("past_due", "open")
    assert {"invoice.payment_failed", "invoice.payment_action_required"} <= set(shop.types())
    shop.control.post(f"/stripe/invoices/{owed.id}/authenticate")
    assert shop.api.invoices.retrieve(owed.id).status == "paid"
    assert shop.again(subscription).status == "active"


def test_paying_with_a_card_that_needs_authentication_is_refused_with_its_code(shop):
    customer = shop.with_card("pm_card_authenticationRequired")
    items = [{"price": shop.monthly.id, "quantity": 3}]
    terms = {"customer": customer.id, "items": items}
    subscription = shop.api.subscriptions.create(terms)

    with pytest.raises(stripe.CardError) as unpaid:
        shop.api.invoices.pay(subscription.latest_invoice)
    with pytest.raises(stripe.CardError) as refused:
        shop.api.subscriptions.create({**terms, "payment_behavior": "error_if_incomplete"})

    assert subscription.status == "incomplete"
    assert unpaid.value.code == "invoice_payment_intent_requires_action"
    assert refused.value.code == "subscription_payment_intent_requires_action"


def test_older_invoice_does_not_recover_a_subscription(shop, subscription):
    shop.payments_end(subscription.customer, "decline", times=1)
    older = renew(shop, subscription, seconds=3600)
    shop.payments_end(subscription.customer, "decline", times=1)
    shop.seats(subscription, 9, proration_behavior="always_invoice")

    shop.api.invoices.pay(older.id)
    assert shop.again(subscription).status == "past_due"

    shop.api.invoices.pay(shop.again(subscription).latest_invoice)
    assert shop.again(subscription).status == "active"
