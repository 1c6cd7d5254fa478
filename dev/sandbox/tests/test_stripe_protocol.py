"""The wire itself.

Who may ask, what is understood, and how often the same thing is done.
"""

import httpx
import pytest
import stripe

from sandbox.tests.shop import stripe_client


def test_wrong_key_is_refused(served, control):
    client = stripe.StripeClient("sk_test_other", base_addresses={"api": f"{served.url}/stripe"})

    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        client.v1.customers.list()


def test_absent_key_is_refused(served, control):
    answer = httpx.get(f"{served.url}/stripe/v1/customers", trust_env=False)

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_curl_style_key_is_accepted(served, control):
    key = served.settings.stripe_secret_key

    answer = httpx.get(f"{served.url}/stripe/v1/customers", auth=(key, ""), trust_env=False)

    assert answer.json() == {
        "object": "list",
        "data": [],
        "has_more": False,
        "url": "/v1/customers",
    }


def test_answer_carries_version_and_request_id(shop):
    headers = shop.customer().last_response.headers

    assert headers["Stripe-Version"] == stripe.api_version == "2026-10-28.endive"
    assert headers["Request-Id"].startswith("req_")
    assert headers["Content-Type"] == "application/json"


def test_unknown_parameter_is_refused_by_name(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.create({"name": "Acme", "nmae": "Acme"})

    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "nmae")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"coupon": "half"}, "coupon"),
        ({"billing_cycle_anchor": "now"}, "billing_cycle_anchor"),
        ({"items": [{"id": "si_1", "prorate": True}]}, "items[0][prorate]"),
        ({"prorate": False}, "prorate"),
    ],
)
def test_parameters_of_older_versions_are_refused(shop, params, param):
    subscription = shop.subscribed()

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.subscriptions.update(subscription.id, params)

    assert caught.value.param == param


def test_missing_parameter_is_named(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.prices.create({"unit_amount": 900})

    assert (caught.value.code, caught.value.param) == ("parameter_missing", "currency")


def test_parameter_the_sandbox_would_ignore_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.checkout(discounts=[{"coupon": "half"}])

    assert caught.value.code == "sandbox_unsupported"


def test_part_of_a_parameter_the_sandbox_would_ignore_is_refused(shop):
    asked = {"subscription": shop.subscribed().id, "subscription_details": {"cancel_now": True}}

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.invoices.create_preview(asked)

    assert caught.value.code == "sandbox_unsupported"


def test_unknown_path_and_unknown_object_are_404(served, shop):
    url = f"{served.url}/stripe/v1/unicorns"
    key = served.settings.stripe_secret_key
    assert httpx.get(url, auth=(key, ""), trust_env=False).status_code == 404

    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.api.customers.retrieve("cus_a/b")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert "cus_a/b" in caught.value.user_message


def test_repeated_key_does_the_work_once(shop):
    first = shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})
    second = shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})

    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(shop.api.customers.list().data) == 1


def test_key_with_other_parameters_is_refused(shop):
    shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})

    with pytest.raises(stripe.IdempotencyError):
        shop.api.customers.create({"name": "Other"}, {"idempotency_key": "k1"})


def test_key_remembers_refusals_but_not_malformed_requests(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.create({"nmae": "Acme"}, {"idempotency_key": "k1"})
    assert shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"}).name == "Acme"

    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            shop.api.customers.update("cus_none", {"name": "x"}, {"idempotency_key": "k2"})
    assert caught.value.headers["Idempotent-Replayed"] == "true"


def test_key_is_good_for_a_day(shop, served):
    shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})
    store = served.app.world.store
    used = store.find_document("stripe.idempotency", "k1")
    store.put_document("stripe.idempotency", "k1", used | {"at": used["at"] - 25 * 3600})

    shop.api.customers.create({"name": "Acme"}, {"idempotency_key": "k1"})

    assert len(shop.api.customers.list().data) == 2


def test_answer_lost_after_the_work_is_replayed_to_the_retry(served, shop, control):
    control.post("/faults", vendor="stripe", path="/v1/customers", drop=True, after_effect=True)

    customer = stripe_client(served, max_network_retries=1).v1.customers.create({"name": "Acme"})

    assert customer.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(shop.api.customers.list().data) == 1


def test_injected_faults_look_like_stripes(shop, control):
    control.post("/faults", vendor="stripe", path="/v1/customers", status=429)
    with pytest.raises(stripe.RateLimitError):
        shop.api.customers.list()

    control.post("/faults", vendor="stripe", path="/v1/customers", status=500)
    with pytest.raises(stripe.APIError):
        shop.api.customers.list()


def test_refused_request_changes_nothing(shop):
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.customers.create({"name": "x", "tax_id_data": [{"type": "eu_vat", "value": "no"}]})

    assert shop.api.customers.list().data == []
    assert "customer.created" not in shop.types()


def test_lists_page_by_cursor_newest_first(shop):
    names = [shop.customer(name=f"c{number}").name for number in range(7)]

    page = shop.api.customers.list({"limit": 3})
    everyone = [customer.name for customer in page.auto_paging_iter()]

    assert (len(page.data), page.has_more) == (3, True)
    assert everyone == names[::-1]


def test_lists_page_backwards(shop):
    ids = [shop.customer().id for _ in range(5)][::-1]

    page = shop.api.customers.list({"limit": 2, "ending_before": ids[3]})

    assert ([customer.id for customer in page.data], page.has_more) == (ids[1:3], True)


def test_expansion_puts_objects_where_ids_stand(shop):
    subscription = shop.subscribed()

    paths = ["latest_invoice.payments", "customer.tax_ids", "items.data.price.product"]
    found = shop.api.subscriptions.retrieve(subscription.id, {"expand": paths})

    assert found.latest_invoice.payments.data[0].status == "paid"
    assert found.customer.tax_ids.data == []
    assert found.items.data[0].price.product.name == "Team"


def test_expansion_works_on_lists_and_refuses_nonsense(shop):
    shop.subscribed()

    page = shop.api.subscriptions.list({"expand": ["data.customer"]})
    assert page.data[0].customer.name == "Acme"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        shop.api.subscriptions.list({"expand": ["data.colour"]})
