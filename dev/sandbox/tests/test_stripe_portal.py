"""The portal and the invoice pages.

What a billing admin sees and may do.
"""

import httpx
import pytest
import stripe

EVERYTHING = {
    "features": {
        "customer_update": {
            "enabled": True,
            "allowed_updates": ["email", "name", "address", "tax_id"],
        },
        "invoice_history": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {"enabled": False},
    }
}


@pytest.fixture
def subscription(shop):
    return shop.subscribed(seats=5)


@pytest.fixture
def portal(shop, subscription):
    """A browser inside the portal of a subscribed customer."""
    configuration = shop.api.billing_portal.configurations.create(EVERYTHING)
    session = shop.api.billing_portal.sessions.create(
        {
            "customer": subscription.customer,
            "configuration": configuration.id,
            "return_url": "http://127.0.0.1:1/billing",
        }
    )
    with httpx.Client(base_url=session.url, trust_env=False, follow_redirects=True) as browser:
        yield browser


def test_portal_shows_subscription_invoices_and_return_link(portal):
    html = portal.get("").text

    assert "5 seats" in html
    assert "€45.00" in html
    assert 'href="http://127.0.0.1:1/billing"' in html


def test_cancelling_and_resuming_in_the_portal(shop, portal, subscription):
    cancelled = portal.post("", data={"action": "cancel", "subscription": subscription.id})
    assert "ends on" in cancelled.text
    ends = shop.again(subscription)
    assert not ends.cancel_at_period_end
    assert ends.cancel_at == ends.items.data[0].current_period_end

    portal.post("", data={"action": "resume", "subscription": subscription.id})
    assert shop.again(subscription).cancel_at is None


def test_billing_details_are_edited(shop, portal, subscription):
    typed = {"name": "Acme AG", "email": "x@acme.test", "country": "CH", "city": "Bern"}
    portal.post("", data={"action": "details", **typed})

    customer = shop.api.customers.retrieve(subscription.customer)
    assert (customer.name, customer.email, customer.address.city) == (
        "Acme AG",
        "x@acme.test",
        "Bern",
    )
    assert "customer.updated" in shop.types()


def test_tax_id_is_added_and_removed(shop, portal, subscription):
    assert (
        "DE123456789"
        in portal.post("", data={"action": "add_tax_id", "tax_id": "DE123456789"}).text
    )

    (tax_id,) = shop.api.customers.tax_ids.list(subscription.customer).data
    portal.post("", data={"action": "remove_tax_id", "tax_id": tax_id.id})

    assert shop.api.customers.tax_ids.list(subscription.customer).data == []


def test_malformed_tax_id_is_explained(portal):
    answer = portal.post("", data={"action": "add_tax_id", "tax_id": "nonsense"})

    assert (answer.status_code, "Invalid value for eu_vat." in answer.text) == (400, True)
    assert 'value="nonsense"' in answer.text  # still there to be mended


def test_portal_refuses_objects_of_other_customers(shop, portal):
    other = shop.subscribed()

    answer = portal.post("", data={"action": "cancel", "subscription": other.id})

    assert answer.status_code == 404
    assert not shop.again(other).cancel_at_period_end


def test_portal_offers_only_what_is_configured(shop, subscription):
    features = {"invoice_history": {"enabled": True}}
    configuration = shop.api.billing_portal.configurations.create({"features": features})
    opened = {"customer": subscription.customer, "configuration": configuration.id}
    session = shop.api.billing_portal.sessions.create(opened)

    assert "Cancel subscription" not in httpx.get(session.url, trust_env=False).text
    asked = {"action": "cancel", "subscription": subscription.id}
    assert httpx.post(session.url, data=asked, trust_env=False).status_code == 403


def test_portal_session_is_short_lived(shop, portal):
    shop.control.advance(hours=2)

    assert portal.get("").status_code == 404


def test_configuration_is_updated_feature_by_feature(shop):
    created = shop.api.billing_portal.configurations.create(EVERYTHING)

    changed = shop.api.billing_portal.configurations.update(
        created.id, {"features": {"subscription_cancel": {"enabled": False}}}
    )

    assert (created.is_default, changed.features.subscription_cancel.enabled) == (True, False)
    assert changed.features.customer_update.allowed_updates == [
        "email",
        "name",
        "address",
        "tax_id",
    ]
    assert [c.id for c in shop.api.billing_portal.configurations.list().data] == [created.id]


def test_portal_without_any_configuration_is_refused(shop, subscription):
    with pytest.raises(stripe.InvalidRequestError, match="default configuration"):
        shop.api.billing_portal.sessions.create({"customer": subscription.customer})


def test_invoice_links_lead_to_a_page_and_a_pdf(shop, subscription):
    (invoice,) = shop.invoices(subscription)

    page = httpx.get(invoice.hosted_invoice_url, trust_env=False)
    pdf = httpx.get(invoice.invoice_pdf, trust_env=False)

    assert invoice.number in page.text
    assert "5 × Team" in page.text
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert invoice.number.encode() in pdf.content


def test_customer_pays_an_open_invoice_on_its_page(shop, subscription):
    shop.payments_end(subscription.customer, "decline", times=2)
    shop.control.advance(days=32)
    owed = shop.invoices(subscription)[0]
    assert shop.again(subscription).status == "past_due"

    pages = [httpx.post(owed.hosted_invoice_url, trust_env=False) for _ in range(2)]

    assert [page.status_code for page in pages] == [402, 303]
    assert "Your card was declined." in pages[0].text
    assert shop.again(subscription).status == "active"


def test_control_refuses_what_it_does_not_know(shop, subscription):
    post = shop.control.http.post

    unknown_field = post(f"/_sandbox/stripe/subscriptions/{subscription.id}", json={"seats": 3})
    unknown_id = post("/_sandbox/stripe/subscriptions/sub_none", json={"quantity": 3})
    outcome = post(
        f"/_sandbox/stripe/customers/{subscription.customer}/payment", json={"outcome": "maybe"}
    )

    answers = (unknown_field, unknown_id, outcome)
    assert [answer.status_code for answer in answers] == [400, 404, 400]


def test_inactive_configuration_makes_no_session(shop, subscription):
    configuration = shop.api.billing_portal.configurations.create(EVERYTHING)
    shop.api.billing_portal.configurations.update(configuration.id, {"active": False})

    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        shop.api.billing_portal.sessions.create(
            {"customer": subscription.customer, "configuration": configuration.id}
        )
