"""Prorations in flexible billing mode.

https://docs.stripe.com/billing/subscriptions/prorations
"""

import pytest
import stripe


@pytest.fixture
def subscription(shop):
    """Five seats for a month."""
    return shop.subscribed(seats=5)


def get_span(subscription):
    item = subscription.items.data[0]
    return item.current_period_start, item.current_period_end


def get_time(subscription, share):
    """Return the time at which a share of the period has passed."""
    start, end = get_span(subscription)
    return start + int((end - start) * share)


def list_pending(shop, subscription):
    found = shop.api.invoice_items.list({"customer": subscription.customer, "pending": True})
    return found.data[::-1]


def test_credit_is_of_the_debit_and_not_of_the_current_price(shop, subscription):
    """The example of the page above: an upgrade without prorations was never debited."""
    dearer = shop.price(1800, "month")
    shop.seats(subscription, 5, price=dearer.id, proration_behavior="none")

    at = get_time(subscription, 2 / 3)
    shop.seats(
        subscription,
        5,
        price=shop.monthly.id,
        proration_behavior="always_invoice",
        proration_date=at,
    )

    lines = shop.invoices(subscription)[0].lines.data
    assert [line.amount for line in lines] == [-1500, 1500]


def test_seats_lowered_without_credit_cost_nothing_when_added_again(shop, subscription):
    at = get_time(subscription, 1 / 2)
    shop.seats(subscription, 2, proration_behavior="none")

    shop.seats(subscription, 5, proration_date=at)

    assert sum(entry.amount for entry in list_pending(shop, subscription)) == 0


def test_seats_lowered_without_credit_are_credited_when_a_part_is_added_again(shop, subscription):
    at = get_time(subscription, 1 / 2)
    shop.seats(subscription, 2, proration_behavior="none")

    shop.seats(subscription, 3, proration_date=at)

    amounts = [entry.amount for entry in list_pending(shop, subscription)]
    assert amounts == pytest.approx([-2250, 1350], abs=1)


def test_time_of_an_unpaid_invoice_is_credited(shop, subscription):
    """Stripe assumes that the invoice will be paid; the caller has to turn prorations off."""
    shop.payments_end(subscription.customer, "decline")
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0]
    assert (shop.again(subscription).status, owed.status) == ("past_due", "open")

    shop.api.subscriptions.cancel(subscription.id, {"prorate": True, "invoice_now": True})

    credit = shop.invoices(subscription)[0]
    assert -4500 < credit.total < -4000
    assert shop.api.customers.retrieve(subscription.customer).balance == credit.total


def test_collection_of_open_invoices_stops_with_the_subscription(shop, subscription):
    shop.payments_end(subscription.customer, "decline", times=1)
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0]

    shop.api.subscriptions.cancel(subscription.id)
    shop.control.advance(days=10)

    left = shop.api.invoices.retrieve(owed.id)
    assert (left.status, left.auto_advance, left.next_payment_attempt) == ("open", False, None)


def test_credit_names_the_line_it_gives_back(shop, subscription):
    (line,) = shop.invoices(subscription)[0].lines.data
    at = get_time(subscription, 1 / 2)

    shop.seats(subscription, 8, proration_date=at)
    shop.seats(subscription, 6, proration_date=at)

    first, debit, second, _ = list_pending(shop, subscription)
    credited = first.proration_details.credited_items
    assert credited.type == "invoice_line_items"
    assert credited.invoice_line_item_details.invoice_line_items == [line.id]
    assert second.proration_details.credited_items.invoice_item == debit.id
    assert second.amount == -debit.amount


def test_prorations_of_a_subscription_that_ends_are_collected_at_its_end(shop, subscription):
    shop.seats(subscription, 8, proration_date=get_time(subscription, 1 / 3))
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    shop.control.advance(days=32)

    last, first = shop.invoices(subscription)
    assert shop.again(subscription).status == "canceled"
    assert (last.total, last.status, last.created) == (1800, "paid", get_span(subscription)[1])
    assert first.total == 4500


def test_interval_change_keeps_the_anchor_and_moves_a_flagged_end(shop, subscription):
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    item = {"id": subscription.items.data[0].id, "price": shop.yearly.id, "quantity": 5}

    changed = shop.api.subscriptions.update(subscription.id, {"items": [item]})

    start, end = get_span(changed)
    assert changed.billing_cycle_anchor == subscription.billing_cycle_anchor == start
    assert end - start >= 365 * 86400
    assert (changed.cancel_at_period_end, changed.cancel_at) == (True, end)


def test_interval_change_leaves_a_dated_end(shop, subscription):
    end = get_span(subscription)[1]
    shop.api.subscriptions.update(subscription.id, {"cancel_at": "max_period_end"})
    item = {"id": subscription.items.data[0].id, "price": shop.yearly.id, "quantity": 5}

    changed = shop.api.subscriptions.update(subscription.id, {"items": [item]})

    assert (changed.cancel_at_period_end, changed.cancel_at) == (False, end)


def test_unpaid_pending_update_leaves_the_debits_as_they_were(shop, subscription):
    shop.payments_end(subscription.customer, "decline", times=1)
    at = get_time(subscription, 1 / 2)
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    shop.seats(subscription, 8, **terms)
    shop.control.advance(hours=24)

    shop.seats(subscription, 4, proration_date=at)

    amounts = [entry.amount for entry in list_pending(shop, subscription)]
    assert amounts == pytest.approx([-2250, 1800], abs=1)


def test_unpaid_removal_of_an_item_leaves_its_debit(shop, subscription):
    other = shop.price(100, "month")
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    added = shop.api.subscriptions.update(
        subscription.id, {"items": [{"price": other.id, "quantity": 9}], **terms}
    ).items.data[1]
    shop.payments_end(subscription.customer, "decline", times=1)
    seats = {"id": subscription.items.data[0].id, "quantity": 50}
    removed = {"id": added.id, "deleted": True}
    shop.api.subscriptions.update(subscription.id, {"items": [seats, removed], **terms})
    shop.control.advance(hours=24)

    shop.api.subscription_items.update(added.id, {"quantity": 1})

    credit, debit = list_pending(shop, subscription)
    assert credit.amount < -800 < 0 < debit.amount


def test_items_of_another_interval_are_refused(shop, subscription):
    with pytest.raises(stripe.InvalidRequestError, match="one billing interval"):
        shop.api.subscriptions.update(
            subscription.id, {"items": [{"price": shop.yearly.id, "quantity": 1}]}
        )
