"""Seats.

What a changed number costs, now or later, and that a preview says the same.
"""

import pytest
import stripe

from sandbox.stripe import money


def span(subscription):
    item = subscription.items.data[0]
    return item.current_period_start, item.current_period_end


def prorations(invoice):
    return [line for line in invoice.lines.data if line.parent.subscription_item_details.proration]


def test_period_and_quantity_are_on_the_item_only(shop):
    subscription = shop.subscribed(seats=5)

    start, end = span(subscription)
    assert 28 * 86400 <= end - start <= 31 * 86400
    assert subscription.items.data[0].quantity == 5
    for removed in ("current_period_end", "current_period_start", "quantity", "plan", "discount"):
        assert removed not in subscription


def test_invoice_has_the_current_shape(shop):
    subscription = shop.subscribed(seats=5)

    (invoice,) = shop.invoices(subscription)
    (line,) = invoice.lines.data
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert line.pricing.price_details.price == shop.monthly.id
    assert (line.taxes, line.quantity, line.amount) == ([], 5, 4500)
    for removed in ("subscription", "payment_intent", "charge", "paid", "tax", "discount"):
        assert removed not in invoice
    for removed in ("price", "plan", "proration", "tax_rates"):
        assert removed not in line


def test_added_seats_wait_for_the_next_invoice(shop):
    subscription = shop.subscribed(seats=5)

    item = shop.seats(subscription, 8)

    assert item.quantity == 8
    assert len(shop.invoices(subscription)) == 1
    waiting = shop.api.invoice_items.list({"customer": subscription.customer, "pending": True})
    assert sum(entry.amount for entry in waiting.data) == pytest.approx(3 * 900, abs=2)


def test_prorations_are_credit_and_debit_to_the_second(shop):
    subscription = shop.subscribed(seats=5)
    start, end = span(subscription)
    third = start + (end - start) // 3

    shop.seats(subscription, 8, proration_behavior="always_invoice", proration_date=third)

    invoice = shop.invoices(subscription)[0]
    price = shop.monthly.to_dict() | {"transform_quantity": None}
    expected = [money.compute_proration(price, n, at=third, start=start, end=end) for n in (5, 8)]
    assert [line.amount for line in invoice.lines.data] == [-expected[0], expected[1]]
    assert (invoice.total, invoice.status) == (expected[1] - expected[0], "paid")
    assert shop.again(subscription).latest_invoice == invoice.id


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations"])
@pytest.mark.parametrize("quantity", [3, 8])
def test_preview_shows_what_the_change_then_costs(shop, behavior, quantity):
    subscription = shop.subscribed(seats=5)
    start, end = span(subscription)
    terms = {"proration_behavior": behavior, "proration_date": start + (end - start) // 7 * 3}
    items = [{"id": subscription.items.data[0].id, "quantity": quantity}]
    asked = {"subscription": subscription.id, "subscription_details": {"items": items, **terms}}

    preview = shop.api.invoices.create_preview(asked)
    assert shop.again(subscription).items.data[0].quantity == 5
    shop.seats(subscription, quantity, **terms)

    if behavior == "create_prorations":
        shop.control.advance(days=32)
    real = shop.invoices(subscription)[0]
    assert [line.amount for line in preview.lines.data] == [line.amount for line in real.lines.data]
    assert (preview.total, preview.amount_due) == (real.total, real.amount_due)
    assert len(prorations(preview)) == 2


def test_preview_leaves_no_trace(shop):
    subscription = shop.subscribed()
    shop.forget_events()
    items = [{"id": subscription.items.data[0].id, "quantity": 9}]

    preview = shop.api.invoices.create_preview(
        {"subscription": subscription.id, "subscription_details": {"items": items}}
    )

    assert shop.types() == []
    assert (preview.status, preview.number) == ("draft", None)
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.invoices.retrieve(preview.id)


def test_recurring_preview_is_the_steady_amount(shop):
    subscription = shop.subscribed(seats=5)
    items = [{"id": subscription.items.data[0].id, "quantity": 9}]

    preview = shop.api.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {"items": items},
            "preview_mode": "recurring",
        }
    )

    assert preview.total == 9 * 900


def test_no_invoice_follows_a_subscription_that_ends(shop):
    subscription = shop.subscribed()
    shop.api.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.invoices.create_preview({"subscription": subscription.id})

    assert caught.value.code == "invoice_upcoming_none"


def test_unprorated_change_counts_from_the_next_period(shop):
    subscription = shop.subscribed(seats=5)

    shop.seats(subscription, 8, proration_behavior="none")
    shop.control.advance(days=32)

    assert [invoice.total for invoice in shop.invoices(subscription)] == [7200, 4500]


def test_credit_beyond_what_is_due_is_kept_for_later(shop):
    subscription = shop.subscribed(seats=5)

    start = span(subscription)[0]
    shop.seats(subscription, 1, proration_behavior="always_invoice", proration_date=start)

    credit = shop.invoices(subscription)[0]
    assert (credit.total, credit.amount_due, credit.status) == (-3600, 0, "paid")
    shop.control.advance(days=32)
    renewal = shop.invoices(subscription)[0]
    assert (renewal.starting_balance, renewal.total, renewal.amount_due) == (-3600, 900, 0)


def test_proration_date_outside_the_period_is_refused(shop):
    subscription = shop.subscribed()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.seats(subscription, 6, proration_date=span(subscription)[0] - 1)

    assert caught.value.param == "proration_date"


def test_declined_increase_is_applied_and_past_due_by_default(shop):
    subscription = shop.subscribed(seats=5)
    shop.payments_end(subscription.customer, "decline", times=1)

    item = shop.seats(subscription, 8, proration_behavior="always_invoice")

    assert (item.quantity, shop.again(subscription).status) == (8, "past_due")
    shop.api.invoices.pay(shop.again(subscription).latest_invoice)
    assert shop.again(subscription).status == "active"


def test_error_if_incomplete_changes_nothing(shop):
    subscription = shop.subscribed(seats=5)
    shop.payments_end(subscription.customer, "decline", times=1)
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}

    with pytest.raises(stripe.CardError) as caught:
        shop.seats(subscription, 8, **terms)

    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    assert shop.again(subscription).items.data[0].quantity == 5
    assert len(shop.invoices(subscription)) == 1
    assert shop.seats(subscription, 8, **terms).quantity == 8


def test_pending_if_incomplete_answers_the_old_number_until_paid(shop):
    subscription = shop.subscribed(seats=5)
    shop.payments_end(subscription.customer, "decline", times=1)
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}

    assert shop.seats(subscription, 8, **terms).quantity == 5
    waiting = shop.again(subscription)
    assert waiting.pending_update.subscription_items[0].quantity == 8

    shop.api.invoices.pay(waiting.latest_invoice)
    applied = shop.again(subscription)
    assert (applied.items.data[0].quantity, applied.pending_update) == (8, None)
    assert "customer.subscription.pending_update_applied" in shop.types()


def test_pending_update_expires_after_a_day(shop):
    subscription = shop.subscribed(seats=5)
    shop.payments_end(subscription.customer, "decline", times=1)
    terms = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete"}
    shop.seats(subscription, 8, **terms)

    shop.control.advance(hours=24)

    after = shop.again(subscription)
    assert (after.items.data[0].quantity, after.pending_update) == (5, None)
    assert shop.api.invoices.retrieve(after.latest_invoice).status == "void"
    assert "customer.subscription.pending_update_expired" in shop.types()


def test_interval_change_bills_at_once_and_starts_a_new_period(shop):
    subscription = shop.subscribed(seats=5)
    item = {"id": subscription.items.data[0].id, "price": shop.yearly.id, "quantity": 6}

    changed = shop.api.subscriptions.update(subscription.id, {"items": [item]})

    start, end = span(changed)
    assert end - start in (365 * 86400, 366 * 86400)
    total = shop.invoices(subscription)[0].total
    assert total == pytest.approx(6 * 9000 - 5 * 900, abs=2)


def test_new_price_resets_quantity_to_one_unless_given(shop):
    subscription = shop.subscribed(seats=5)
    dearer = shop.price(1200, "month")

    assert shop.seats(subscription, 5, price=dearer.id).quantity == 5
    item = subscription.items.data[0].id
    changed = shop.api.subscription_items.update(item, {"price": shop.monthly.id})
    assert (changed.quantity, changed.price.id) == (1, shop.monthly.id)


def test_item_without_id_is_a_second_item(shop):
    subscription = shop.subscribed(seats=5)
    other = shop.price(100, "month")

    added = {"items": [{"price": other.id, "quantity": 2}]}
    changed = shop.api.subscriptions.update(subscription.id, added)

    assert [item.quantity for item in changed.items.data] == [5, 2]
    listed = shop.api.subscription_items.list({"subscription": subscription.id}).data
    assert {item.price.id for item in listed} == {shop.monthly.id, other.id}
    with pytest.raises(stripe.InvalidRequestError, match="same price"):
        shop.api.subscriptions.update(subscription.id, {"items": [{"price": other.id}]})
