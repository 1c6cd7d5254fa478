"""Checkout.

Opened by the product, finished by a person or by the control plane.
"""

import httpx
import pytest
import stripe


def test_session_with_the_parameters_of_the_product_is_paid(shop):
    customer = shop.customer(address={"country": "DE"})
    session = shop.checkout(
        seats=5,
        customer=customer.id,
        client_reference_id="7",
        automatic_tax={"enabled": True},
        billing_address_collection="required",
        tax_id_collection={"enabled": True},
        customer_update={"name": "auto", "address": "auto"},
        allow_promotion_codes=True,
        payment_method_collection="if_required",
        metadata={"organization_id": "7"},
        subscription_data={"metadata": {"organization_id": "7"}},
    )
    assert (session.status, session.payment_status, session.amount_total) == (
        "open",
        "unpaid",
        4500,
    )

    paid = shop.control.post(f"/checkout/{session.id}/pay")

    done = shop.api.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.subscription.metadata.to_dict() == {"organization_id": "7"}
    assert done.subscription.automatic_tax.enabled
    assert done.customer_details.email == "billing@acme.test"
    assert paid["url"] == f"http://127.0.0.1:1/billing?session_id={session.id}"


def test_lines_are_listed_and_included_on_demand(shop):
    session = shop.checkout(seats=3)

    (line,) = shop.api.checkout.sessions.line_items.list(session.id).data

    assert (line.quantity, line.amount_total, line.price.id) == (3, 2700, shop.monthly.id)
    whole = shop.api.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert [entry.id for entry in whole.line_items.data] == [line.id]
    assert "line_items" not in session


def test_session_can_make_its_customer(shop):
    session = shop.checkout(customer_email="new@acme.test")

    paid = shop.control.post(f"/checkout/{session.id}/pay")

    assert session.customer is None
    assert shop.api.customers.retrieve(paid["customer"]).email == "new@acme.test"


def test_declined_card_leaves_the_session_open(shop):
    session = shop.checkout()
    shop.payments_end(session.customer, "decline", times=1)

    refused = shop.control.http.post(f"/_sandbox/checkout/{session.id}/pay")
    assert refused.status_code == 402
    assert shop.control.post(f"/checkout/{session.id}/decline")["status"] == "open"
    assert shop.api.subscriptions.list({"customer": session.customer}).data == []

    assert shop.control.post(f"/checkout/{session.id}/pay")["status"] == "complete"


@pytest.mark.parametrize("how", ["api", "control", "clock"])
def test_session_expires_and_cannot_be_paid_any_more(shop, how):
    session = shop.checkout()

    if how == "api":
        shop.api.checkout.sessions.expire(session.id)
    elif how == "control":
        shop.control.post(f"/checkout/{session.id}/expire")
    else:
        shop.control.advance(hours=24)

    assert shop.api.checkout.sessions.retrieve(session.id).status == "expired"
    assert shop.control.http.post(f"/_sandbox/checkout/{session.id}/pay").status_code == 400
    assert "checkout.session.expired" in shop.types()


def test_sessions_are_listed_by_customer_and_status(shop):
    session = shop.checkout()
    shop.checkout()

    mine = shop.api.checkout.sessions.list({"customer": session.customer, "status": "open"}).data

    assert [entry.id for entry in mine] == [session.id]


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"mode": "payment"}, "mode"),
        ({"success_url": ""}, "success_url"),
        ({"tax_id_collection": {"enabled": True}}, "customer_update[name]"),
        (
            {"subscription_data": {"trial_period_days": 0}},
            "subscription_data[trial_period_days]",
        ),
        ({"expires_at": 1}, "expires_at"),
    ],
)
def test_session_that_stripe_would_refuse_is_refused(shop, options, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.checkout(**options)

    assert caught.value.param == param


# The page


def browse(shop):
    """A browser that stays where it is sent."""
    return httpx.Client(base_url=shop.control.http.base_url, trust_env=False)


def test_page_shows_seats_total_and_that_no_money_moves(shop):
    session = shop.checkout(seats=5)

    html = httpx.get(session.url, trust_env=False).text

    assert "5 seats × €9.00" in html
    assert "Pay €45.00" in html
    assert "no money moves" in html


@pytest.mark.parametrize(
    ("country", "text", "value"),
    [
        ("DE", "de 123 456 789", "DE123456789"),
        ("CH", "che-123.456.789 mwst", "CHE-123.456.789 MWST"),
    ],
)
def test_paying_on_the_page_saves_what_was_typed_and_returns(shop, country, text, value):
    session = shop.checkout(
        customer_update={"name": "auto", "address": "auto"}, tax_id_collection={"enabled": True}
    )
    typed = {"name": "Acme GmbH", "country": country, "line1": "Torstr. 1", "tax_id": text}

    with browse(shop) as browser:
        answer = browser.post(f"/checkout/{session.id}", data={"action": "pay", **typed})

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://127.0.0.1:1/billing?session_id={session.id}"
    customer = shop.api.customers.retrieve(session.customer, {"expand": ["tax_ids"]})
    assert (customer.name, customer.address.line1) == ("Acme GmbH", "Torstr. 1")
    assert [tax_id.value for tax_id in customer.tax_ids.data] == [value]


def test_customer_is_left_alone_without_leave(shop):
    session = shop.checkout()

    with browse(shop) as browser:
        browser.post(
            f"/checkout/{session.id}", data={"action": "pay", "name": "Other", "country": "DE"}
        )

    assert shop.api.customers.retrieve(session.customer).name == "Acme"


def test_declined_payment_shows_a_refusal_and_can_be_retried(shop):
    session = shop.checkout()

    with browse(shop) as browser:
        answer = browser.post(f"/checkout/{session.id}", data={"action": "decline"})

    assert answer.status_code == 402
    assert "Your card was declined." in answer.text
    assert "Pay €45.00" in answer.text


def test_page_requires_a_country_before_it_charges(shop):
    session = shop.checkout()

    with browse(shop) as browser:
        form = browser.get(f"/checkout/{session.id}").text
        refused = browser.post(f"/checkout/{session.id}", data={"action": "pay", "country": ""})
        paid = browser.post(f"/checkout/{session.id}", data={"action": "pay", "country": "DE"})

    assert 'name="country" autocomplete="country" required' in form
    assert refused.status_code == 400
    assert "Choose the country of your billing address." in refused.text
    assert paid.status_code == 303


def test_cancelling_on_the_page_redirects_to_the_cancel_url(shop):
    session = shop.checkout()

    with browse(shop) as browser:
        answer = browser.post(f"/checkout/{session.id}", data={"action": "cancel"})

    assert (answer.status_code, answer.headers["Location"]) == (303, "http://127.0.0.1:1/billing")
    assert shop.api.checkout.sessions.retrieve(session.id).status == "open"


def test_page_of_an_unknown_or_finished_session_explains_itself(shop):
    session = shop.checkout()
    shop.control.post(f"/checkout/{session.id}/pay")

    with browse(shop) as browser:
        finished = browser.get(f"/checkout/{session.id}").text
        assert "This checkout is complete." in finished
        assert "Due today" not in finished
        unknown = browser.get("/checkout/cs_test_none")
        again = browser.post(f"/checkout/{session.id}", data={"action": "pay"})

    assert unknown.status_code == 404
    assert again.status_code == 400
    assert len(shop.api.subscriptions.list({"customer": session.customer}).data) == 1
