"""Input of another shape.

Each vendor refuses it in its own words, and nothing falls over later.
"""

import httpx
import pytest

from sandbox.stytch.arguments import SCHEMAS
from tests.harness.stack import client as http_client

# What no argument of a type may be; `null` counts as absent, as it does for the vendor.
WRONG = {"string": 5, "boolean": "yes", "integer": "5", "object": [], "array": {}}


@pytest.fixture
def ask(served, control):
    """Asks the Stytch API with a body of one's own making."""
    chosen = served.settings
    auth = (chosen.stytch_project_id, chosen.stytch_secret)
    with http_client(base_url=f"{served.url}/v1/b2b", auth=auth, timeout=20) as http:
        yield lambda path, method="POST", **body: http.request(method, path, **body)


def test_every_argument_is_held_to_its_shape(ask):
    for name, schema in SCHEMAS.items():
        answer = ask("/organizations/search", json={name: WRONG[schema["type"]]})

        assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request"), name
        assert name in answer.json()["error_message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email_allowed_domains", [None]),
        ("rbac_email_implicit_role_assignments", [{}]),
        ("rbac_email_implicit_role_assignments", [{"role_id": ["viewer"], "domain": "a.example"}]),
        ("org_policy", {"roles": [{"role_id": "own", "permissions": [{"actions": ["*"]}]}]}),
        ("query", {"operands": [None]}),
        ("query", {"operands": [{"filter_name": "statuses"}]}),
        ("authorization_check", {"resource_id": "stytch.member"}),
    ],
)
def test_nested_arguments_are_checked(ask, name, value):
    answer = ask("/organizations/search", json={name: value})

    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"\xff",
        b"[" * 200_000,
        b'{"organization_name": "\\ud800"}',
        b'{"organization_name": NaN}',
        b'{"trusted_metadata": {"n": 1e400}}',
    ],
)
def test_body_that_could_not_be_sent_on_is_no_json(ask, control, content):
    answer = ask("/organizations", content=content)

    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")
    assert control.get("/requests")["requests"][-1]["status"] == 400
    assert control.http.post("/_sandbox/reset", content=content).status_code == 400


@pytest.mark.parametrize("claims", [{"aud": 5}, {"https://stytch.com/session": {"id": []}}])
def test_token_with_malformed_claims_is_refused(ask, control, claims):
    token = control.post("/stytch/tokens", claims=claims)["token"]

    assert ask("/sessions/authenticate", json={"session_jwt": token}).status_code == 400


@pytest.mark.parametrize("body", [{"implicit_roles": ["viewer"]}, {"roles": [["viewer"]]}])
def test_control_holds_members_to_the_same_shapes(control, ada, body):
    answer = control.http.post(f"/_sandbox/stytch/members/{ada.member_id}", json=body)

    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")


@pytest.fixture
def send(served, control):
    """Sends a form of one's own making to the Stripe API."""
    headers = {"Authorization": f"Bearer {served.settings.stripe_secret_key}"}
    with http_client(base_url=f"{served.url}/stripe/v1", headers=headers, timeout=20) as http:
        yield lambda path, content: http.post(path, content=content)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/customers", "metadata[" + "9" * 5000 + "]=x"),
        ("/customers", "expand[0]=id"),
        ("/customers", "expand[0]=invoice_prefix"),
        ("/products", "name="),
        ("/subscriptions", "&&&"),
        ("/prices", "product={product}&currency=eur&unit_amount_decimal=nan"),
        ("/prices", "product={product}&currency=eur&unit_amount_decimal=1E-999999"),
        ("/prices", "{price}&recurring[interval]=month&recurring[interval_count]=37"),
        ("/subscriptions", "{seat}&trial_period_days=999999999"),
        ("/subscriptions", "{seat}&trial_end=99999999999"),
        ("/subscriptions", "{seat}&cancel_at=99999999999"),
        ("/subscriptions", "{seat}&collection_method=send_invoice&days_until_due=99999999"),
    ],
)
def test_malformed_form_is_refused(send, shop, path, content):
    product = shop.product.id
    price = f"product={product}&currency=eur&unit_amount=900"
    seat = f"customer={shop.with_card().id}&items[0][price]={shop.monthly.id}"

    answer = send(path, content.format(product=product, price=price, seat=seat))

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_settings_given_in_part_leave_the_rest(shop):
    subscription = shop.subscribed()
    changed = shop.api.subscriptions.update(
        subscription.id,
        {
            "trial_settings": {"end_behavior": {"billing_cycle_anchor": "unchanged"}},
            "payment_settings": {"payment_method_types": ""},
        },
    )

    assert changed.trial_settings.end_behavior.missing_payment_method == "create_invoice"
    assert changed.payment_settings.payment_method_types is None
    ended = shop.api.subscriptions.cancel(
        subscription.id, {"cancellation_details": {"feedback": ""}}
    )
    assert ended.cancellation_details.feedback is None


@pytest.mark.parametrize("content", [b"\xff=%ff&[", b"action=pay&a[=1"])
def test_malformed_page_form_is_refused(shop, served, content):
    session = shop.checkout()
    with http_client(base_url=served.url, timeout=20) as browser:
        statuses = [
            browser.post(path, content=content).status_code
            for path in (f"/checkout/{session.id}", "/events/resend")
        ]

    assert max(statuses) < 500


def test_dashboard_accepts_only_text_as_metadata(shop, control):
    here = f"/_sandbox/stripe/subscriptions/{shop.subscribed().id}"

    assert control.http.post(here, json={"metadata": {"a": 1}}).status_code == 400


def test_key_that_is_no_base64_is_refused(served, control):
    headers = {"Authorization": "Basic abcde"}

    answer = httpx.get(f"{served.url}/stripe/v1/customers", headers=headers, trust_env=False)

    assert answer.status_code == 401
