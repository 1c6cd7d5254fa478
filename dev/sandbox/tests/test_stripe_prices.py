"""Prices that Stripe refuses to put on a subscription."""

import pytest
import stripe


@pytest.fixture
def subscription(shop):
    return shop.subscribed(seats=5)


@pytest.fixture
def dollars(shop):
    return shop.price(900, "month", currency="usd")


def archive(shop, price):
    return shop.api.prices.update(price.id, {"active": False})


def test_archived_price_keeps_its_subscriptions_and_gets_no_new_ones(shop, subscription):
    started = {"customer": shop.with_card().id, "items": [{"price": shop.monthly.id}]}
    archive(shop, shop.monthly)

    assert shop.seats(subscription, 7).quantity == 7
    assert shop.seats(subscription, 8, price=shop.monthly.id).quantity == 8
    with pytest.raises(stripe.InvalidRequestError, match="The price specified is inactive"):
        shop.checkout()
    with pytest.raises(stripe.InvalidRequestError, match="The price specified is inactive"):
        shop.api.subscriptions.create(started)


def test_page_of_a_price_that_was_archived_meanwhile_is_not_paid(shop):
    session = shop.checkout()
    archive(shop, shop.monthly)

    with pytest.raises(AssertionError, match="The price specified is inactive"):
        shop.control.post(f"/checkout/{session.id}/pay")

    assert shop.api.checkout.sessions.retrieve(session.id).status == "open"


def test_subscription_does_not_move_to_an_archived_price(shop, subscription):
    archive(shop, shop.yearly)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.seats(subscription, 5, price=shop.yearly.id)

    assert caught.value.param == "items[0][price]"
    assert shop.again(subscription).items.data[0].price.id == shop.monthly.id


def test_price_of_an_archived_product_is_active_and_not_sold(shop, subscription):
    shop.api.products.update(shop.product.id, {"active": False})

    assert shop.api.prices.retrieve(shop.monthly.id).active
    assert shop.seats(subscription, 7).quantity == 7
    with pytest.raises(stripe.InvalidRequestError, match="its product is not active"):
        shop.checkout()
    with pytest.raises(stripe.InvalidRequestError, match="its product is not active"):
        shop.seats(subscription, 7, price=shop.yearly.id)


def test_dashboard_deletes_a_price_that_was_never_used(shop, subscription):
    price = shop.price(900, "year")

    shop.control.delete(f"/stripe/prices/{price.id}")

    event = shop.api.events.list({"type": "price.deleted"}).data[0]
    assert event.data.object.id == price.id
    with pytest.raises(stripe.InvalidRequestError, match="No such price"):
        shop.api.prices.retrieve(price.id)
    with pytest.raises(AssertionError, match="can only be archived"):
        shop.control.delete(f"/stripe/prices/{shop.monthly.id}")
    assert shop.api.prices.retrieve(shop.monthly.id).id == shop.monthly.id


def test_subscription_has_one_currency(shop, subscription, dollars):
    with pytest.raises(stripe.InvalidRequestError, match="only supports `usd`"):
        shop.seats(subscription, 5, price=dollars.id)
    with pytest.raises(stripe.InvalidRequestError, match="expected currency: `eur`"):
        shop.api.subscription_items.create({"subscription": subscription.id, "price": dollars.id})


def test_customer_has_one_currency_at_a_time(shop, subscription, dollars):
    customer = subscription.customer
    lines = [{"price": dollars.id, "quantity": 1}]
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        shop.checkout(customer=customer, line_items=lines)

    shop.api.subscriptions.cancel(subscription.id)
    session = shop.checkout(customer=customer, line_items=lines)
    shop.control.post(f"/checkout/{session.id}/pay")

    assert shop.api.customers.retrieve(customer).currency == "usd"


def test_open_checkout_holds_the_currency_of_its_customer(shop, dollars):
    customer = shop.customer().id
    session = shop.checkout(customer=customer)
    lines = [{"price": dollars.id, "quantity": 1}]

    with pytest.raises(stripe.InvalidRequestError, match="with currency eur"):
        shop.checkout(customer=customer, line_items=lines)
    shop.api.checkout.sessions.expire(session.id)

    assert shop.checkout(customer=customer, line_items=lines).currency == "usd"


def test_checkout_takes_prices_of_one_interval(shop):
    lines = [{"price": price.id, "quantity": 1} for price in (shop.monthly, shop.yearly)]

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.checkout(line_items=lines)

    assert caught.value.error.code == "sandbox_unsupported"


def test_default_price_of_a_product_is_not_archived(shop):
    shop.api.products.update(shop.product.id, {"default_price": shop.monthly.id})

    with pytest.raises(stripe.InvalidRequestError, match="default price of its product"):
        archive(shop, shop.monthly)


def test_prices_are_listed_by_ten_lookup_keys_at_most(shop):
    with pytest.raises(stripe.InvalidRequestError, match="up to 10"):
        shop.api.prices.list({"lookup_keys": [f"key_{number}" for number in range(11)]})
