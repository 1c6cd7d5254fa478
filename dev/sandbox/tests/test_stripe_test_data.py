"""Objects that disappear from Stripe."""

import pytest
import stripe


@pytest.fixture
def subscription(shop):
    return shop.subscribed(seats=5)


def delete(shop, path):
    return shop.control.http.delete(f"/_sandbox/stripe{path}")


def is_unknown(call, id_):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call(id_)
    error = caught.value
    return (error.http_status, error.error.code) == (404, "resource_missing")


def test_deleted_customer_takes_its_objects_along_without_events(shop, subscription):
    (invoice,) = shop.invoices(subscription)
    item = subscription.items.data[0].id
    shop.forget_events()

    deleted = delete(shop, f"/objects/{subscription.customer}").json()["deleted"]

    assert {subscription.customer, subscription.id, invoice.id} <= set(deleted)
    assert is_unknown(shop.api.customers.retrieve, subscription.customer)
    assert is_unknown(shop.api.subscriptions.retrieve, subscription.id)
    assert is_unknown(shop.api.invoices.retrieve, invoice.id)
    assert is_unknown(shop.api.subscription_items.retrieve, item)
    assert shop.types() == []
    shop.control.advance(days=40)
    assert shop.types() == []


def test_invoice_is_deleted_alone(shop, subscription):
    (invoice,) = shop.invoices(subscription)

    delete(shop, f"/objects/{invoice.id}")

    assert is_unknown(shop.api.invoices.retrieve, invoice.id)
    assert shop.invoices(subscription) == []
    shop.control.advance(days=32)
    assert shop.again(subscription).status == "active"


def test_sold_price_is_not_deleted(shop, subscription):
    assert delete(shop, f"/objects/{shop.monthly.id}").status_code == 409
    assert delete(shop, f"/objects/{shop.yearly.id}").json()["deleted"] == [shop.yearly.id]
    assert delete(shop, "/objects/price_none").status_code == 404


def test_wiped_account_knows_no_object_but_its_settings(shop, subscription):
    shop.control.post("/stripe/settings", after_failed_payments="unpaid")

    assert delete(shop, "/objects").status_code == 200

    assert is_unknown(shop.api.customers.retrieve, subscription.customer)
    assert shop.api.prices.list({}).data == []
    assert shop.api.events.list({}).data == []
    assert shop.control.get("/stripe/settings") == {"after_failed_payments": "unpaid"}


def test_customer_is_deleted_in_the_dashboard_with_events(shop, subscription):
    shop.forget_events()

    assert delete(shop, f"/customers/{subscription.customer}").json()["deleted"]

    assert shop.api.customers.retrieve(subscription.customer).deleted
    assert shop.types() == ["customer.subscription.deleted", "customer.deleted"]
    assert {event["request"]["id"] for event in shop.events()} == {None}
