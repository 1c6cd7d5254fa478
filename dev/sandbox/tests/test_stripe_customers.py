"""Customers, their tax ids and cards, and what may be sold to them."""

import pytest
import stripe


def test_customer_is_created_read_changed_and_listed(shop):
    customer = shop.customer(address={"country": "DE", "city": "Berlin"}, metadata={"a": "1"})

    changed = shop.api.customers.update(customer.id, {"name": "Acme GmbH", "email": ""})

    assert (changed.name, changed.email) == ("Acme GmbH", None)
    assert changed.address.to_dict() == shop.api.customers.retrieve(customer.id).address.to_dict()
    assert changed.address.line1 is None
    assert [c.id for c in shop.api.customers.list({"email": "billing@acme.test"}).data] == []


def test_metadata_merges_on_update(shop):
    customer = shop.customer(metadata={"a": "1", "b": "2"})

    changed = shop.api.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}

    assert shop.api.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}


def test_address_is_replaced_whole_and_cleared_by_a_blank(shop):
    customer = shop.customer(address={"country": "DE", "city": "Berlin"})

    moved = shop.api.customers.update(customer.id, {"address": {"country": "FR"}})
    assert (moved.address.country, moved.address.city) == ("FR", None)

    assert shop.api.customers.update(customer.id, {"address": ""}).address is None


def test_location_can_be_demanded_at_once(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.customer(tax={"validate_location": "immediately"})

    assert caught.value.code == "customer_tax_location_invalid"


def test_deleted_customer_stays_readable_as_a_stub(shop):
    subscription = shop.subscribed()
    customer = subscription.customer

    shop.api.customers.delete(customer)

    assert shop.api.customers.retrieve(customer).to_dict() == {
        "id": customer,
        "object": "customer",
        "deleted": True,
    }
    assert shop.again(subscription).status == "canceled"
    assert customer not in [entry.id for entry in shop.api.customers.list().data]
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.update(customer, {"name": "x"})
    assert {"customer.deleted", "customer.subscription.deleted"} <= set(shop.types())


@pytest.mark.parametrize(
    ("number", "status"),
    [("DE123456789", "verified"), ("DE111111111", "unverified"), ("DE222222222", "pending")],
)
def test_tax_id_is_checked_with_the_register_later(shop, number, status):
    customer = shop.customer().id

    created = shop.api.customers.tax_ids.create(customer, {"type": "eu_vat", "value": number})
    later = shop.api.customers.tax_ids.retrieve(customer, created.id)

    assert created.verification.status == "pending"
    assert later.verification.status == status
    assert ("customer.tax_id.updated" in shop.types()) is (status != "pending")


@pytest.mark.parametrize(
    ("type_", "value"), [("eu_vat", "12"), ("ch_vat", "CHE123456789MWST"), ("no_vat", "123456789")]
)
def test_malformed_tax_id_is_refused_at_once(shop, type_, value):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.tax_ids.create(shop.customer().id, {"type": type_, "value": value})

    assert caught.value.code == "tax_id_invalid"


def test_tax_ids_are_listed_and_deleted(shop):
    customer = shop.customer(tax_id_data=[{"type": "eu_vat", "value": "EL123456789"}]).id
    (tax_id,) = shop.api.customers.tax_ids.list(customer).data

    gone = shop.api.customers.tax_ids.delete(customer, tax_id.id)

    assert (tax_id.country, gone.deleted) == ("GR", True)
    assert shop.api.customers.tax_ids.list(customer).data == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.tax_ids.retrieve(customer, tax_id.id)


def test_cards_are_attached_listed_and_detached(shop):
    customer = shop.with_card()
    (card,) = shop.api.customers.payment_methods.list(customer.id).data
    assert customer.invoice_settings.default_payment_method == card.id

    shop.api.payment_methods.detach(card.id)

    assert shop.api.payment_methods.retrieve(card.id).customer is None
    for token, error in (
        ("pm_none", stripe.InvalidRequestError),
        ("pm_card_chargeDeclined", stripe.CardError),
    ):
        with pytest.raises(error):
            shop.customer(payment_method=token)
    assert shop.api.customers.payment_methods.list(customer.id).data == []
    settings = shop.api.customers.retrieve(customer.id).invoice_settings
    assert settings.default_payment_method is None


def test_prices_are_found_by_lookup_key_which_can_move(shop):
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        shop.price(1200, "month", lookup_key="team_monthly")

    dearer = shop.price(1200, "month", lookup_key="team_monthly", transfer_lookup_key=True)

    found = shop.api.prices.list({"lookup_keys": ["team_monthly"]}).data
    assert [price.id for price in found] == [dearer.id]
    assert shop.api.prices.retrieve(shop.monthly.id).lookup_key is None


def test_price_lists_show_active_ones_unless_asked(shop):
    shop.api.prices.update(shop.monthly.id, {"active": False})

    assert [price.id for price in shop.api.prices.list().data] == [shop.yearly.id]
    inactive = shop.api.prices.list({"active": False}).data
    assert [price.id for price in inactive] == [shop.monthly.id]


def test_products_take_an_id_of_ones_own_and_a_default_price(shop):
    data = {"currency": "eur", "unit_amount": 1500, "recurring": {"interval": "month"}}
    product = shop.api.products.create({"id": "pro", "name": "Pro", "default_price_data": data})

    assert shop.api.prices.retrieve(product.default_price).product == "pro"
    assert shop.api.products.update("pro", {"description": "More"}).description == "More"
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        shop.api.products.create({"id": "pro", "name": "Pro"})


def test_product_with_prices_cannot_be_deleted(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.products.delete(shop.product.id)

    bare = shop.api.products.create({"name": "Bare"})
    assert shop.api.products.delete(bare.id).deleted


def test_new_webhook_endpoint_returns_its_signing_secret(shop, served):
    wanted = {"url": "https://x.test", "enabled_events": ["invoice.paid"]}
    endpoint = shop.api.webhook_endpoints.create(wanted | {"api_version": stripe.api_version})

    assert endpoint.secret == served.settings.stripe_webhook_secret
    assert "secret" not in shop.api.webhook_endpoints.retrieve(endpoint.id)
    disabled = shop.api.webhook_endpoints.update(endpoint.id, {"disabled": True})
    assert (disabled.status, disabled.api_version) == ("disabled", stripe.api_version)
    shop.api.webhook_endpoints.delete(endpoint.id)
    assert shop.api.webhook_endpoints.list().data == []
