"""Check who may call the billing API, and that invalid input is refused."""

import pytest

from tests.harness.plugin import SANDBOX_URL

LANDING = f"{SANDBOX_URL}/landing"


ANY, ADMIN = ("admin", "member", "viewer"), ("admin",)


URLS = {"success_url": LANDING, "cancel_url": LANDING}


READS = {
    "/billing/profile": ADMIN,
    "/billing/subscription": ANY,
    "/billing/seats": ANY,
    "/billing/seats/history": ADMIN,
    "/billing/invoices": ADMIN,
    "/features": ANY,
    "/features/audit_history": ANY,
    "/subscription-context": ANY,
}


WRITES = {
    ("PATCH", "/billing/profile"): {"name": "x"},
    ("POST", "/billing/checkout"): {},
    ("POST", "/billing/portal"): {"return_url": LANDING},
    ("POST", "/billing/subscription/cancel"): {},
    ("POST", "/billing/subscription/resume"): {},
    ("POST", "/billing/subscription/change"): {},
    ("POST", "/billing/seats/preview"): {"add": 1},
    ("POST", "/billing/seats/sync"): {},
}


@pytest.mark.parametrize("path", READS)
def test_read_requires_a_permitted_role(api, acme, path):
    for role in ANY:
        answer = api.get(acme.path + path, token=acme.token(role))
        assert answer.status_code == (200 if role in READS[path] else 403), role


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_write_requires_an_admin(api, acme, method, path):
    for role in ("member", "viewer"):
        answer = api.request(
            method, acme.path + path, token=acme.token(role), json=WRITES[method, path]
        )
        assert answer.status_code == 403, role


@pytest.mark.parametrize(("method", "path"), [*(("GET", path) for path in READS), *WRITES])
def test_outsiders_get_not_found_and_anonymous_callers_unauthorized(
    api, acme, globex, method, path
):
    body = WRITES.get((method, path))
    outsider = api.request(method, acme.path + path, token=globex.token("admin"), json=body)
    anonymous = api.request(method, acme.path + path, json=body)

    assert (outsider.status_code, anonymous.status_code) == (404, 401)


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("POST", "/billing/checkout", {"price_id": "x", **URLS}, "/price_id"),
        ("POST", "/billing/checkout", {"quantity": 3}, "/quantity"),
        ("POST", "/billing/portal", {"return_url": "https://evil.example"}, "/return_url"),
        ("POST", "/billing/seats/preview", {"add": 0}, "/add"),
        ("POST", "/billing/seats/preview", {"add": 1, "role": "admin"}, ""),
        ("POST", "/billing/subscription/cancel", {"when": "now"}, "/when"),
        ("PATCH", "/billing/profile", {"country": "Germany"}, "/country"),
        ("PATCH", "/billing/profile", {"email": "no-address"}, "/email"),
        ("PATCH", "/billing/profile", {"vat_id": "US123"}, "/vat_id"),
        ("PATCH", "/billing/profile", {"vat_status": "verified"}, "/vat_status"),
    ],
)
def test_invalid_field_is_named(api, acme, method, path, body, pointer):
    answer = api.request(method, acme.path + path, token=acme.token("admin"), json=body)

    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_price_not_for_sale_is_refused(api, acme):
    body = {"price_id": "00000000-0000-7000-8000-000000000000", **URLS}

    answer = api.post(f"{acme.path}/billing/checkout", token=acme.token("admin"), json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "price_not_available")


def test_preview_needs_a_subscription(api, acme):
    answer = api.post(
        f"{acme.path}/billing/seats/preview", token=acme.token("admin"), json={"add": 1}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "subscription_missing")


def test_unknown_feature_is_not_found(api, acme):
    answer = api.get(f"{acme.path}/features/teleport", token=acme.token("admin"))

    assert answer.status_code == 404
