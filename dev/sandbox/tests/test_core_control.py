"""The control plane.

Faults, the clock, the request log, refusals of what it does not know.
"""

import time

import pytest
import requests
from stytch.core.response_base import StytchError

from sandbox.tests.support import refused


def test_fault_answers_instead_of_the_vendor(client, control):
    control.post("/faults", vendor="stytch", path="/v1/b2b/organizations", status=429, times=2)

    for _ in range(2):
        with refused("too_many_requests", 429):
            client.organizations.create("Acme")

    assert client.organizations.create("Acme").status_code == 200
    assert client.organizations.search().results_metadata.total == 1


def test_fault_after_the_effect_loses_only_the_answer(client, control):
    control.post("/faults", vendor="stytch", path="/organizations$", status=500, after_effect=True)

    with refused("internal_server_error", 500):
        client.organizations.create("Acme")

    assert client.organizations.search().results_metadata.total == 1


@pytest.mark.parametrize(("after_effect", "kept"), [(False, 0), (True, 1)])
def test_dropped_connection_is_a_transport_error(client, control, after_effect, kept):
    control.post("/faults", vendor="stytch", path="/v1/b2b/", drop=True, after_effect=after_effect)

    with pytest.raises(requests.ConnectionError):
        client.organizations.create("Acme")

    assert client.organizations.search().results_metadata.total == kept


def test_timeout_hangs_and_then_breaks_off(client, control):
    control.post("/faults", vendor="stytch", path="/v1/b2b/", timeout=0.3)
    before = time.monotonic()

    with pytest.raises(requests.ConnectionError):
        client.organizations.create("Acme")

    assert time.monotonic() - before >= 0.3


def test_late_answer_is_the_true_one(client, control):
    control.post("/faults", vendor="stytch", path="/v1/b2b/", timeout=0.3, after_effect=True)
    before = time.monotonic()

    assert client.organizations.create("Acme").organization.organization_name == "Acme"
    assert time.monotonic() - before >= 0.3


def test_fault_keeps_to_its_method_path_and_vendor(client, control, acme):
    control.post("/faults", vendor="stytch", path="/v1/b2b/organizations", method="PUT", status=500)
    control.post("/faults", vendor="stripe", path="/", status=500)
    control.post("/faults", vendor="stytch", path="/v1/b2b/sessions", status=500)

    assert client.organizations.get("acme").status_code == 200
    with pytest.raises(StytchError):
        client.organizations.update("acme", organization_name="X")


def test_fault_answers_with_the_body_and_headers_of_the_order(served, control):
    body = {"error_type": "teapot"}
    control.post(
        "/faults", vendor="stytch", path="/", status=418, body=body, headers={"Retry-After": "7"}
    )

    answer = requests.get(f"{served.url}/v1/b2b/rbac/policy", timeout=20)

    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (418, body, "7")


def test_faults_are_listed_and_cleared(client, control):
    control.post("/faults", vendor="stytch", path="/", status=500, times=9)
    assert [rule["times"] for rule in control.get("/faults")["faults"]] == [9]

    control.http.delete("/_sandbox/faults")

    assert client.organizations.create("Acme").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"vendor": "stytch", "path": "/", "status": 500, "colour": "red"}),
        ("/faults", {"vendor": "stytch", "path": "/"}),
        ("/faults", {"vendor": "stytch", "path": "(", "status": 500}),
        ("/faults", {"vendor": "paypal", "path": "/", "status": 500}),
        ("/faults", {"status": 500}),
        ("/webhooks", {"duplicate": "many"}),
        ("/webhooks", {"shuffle": 1}),
        ("/webhooks", {"drop": -1}),
        ("/webhooks", {"vendor": "paypal"}),
        ("/clock/advance", {}),
        ("/clock/advance", {"seconds": -1}),
        ("/clock/advance", {"seconds": True}),
        ("/reset", {"really": True}),
        ("/webhooks/drain", {"for": 1}),
    ],
)
def test_unknown_and_malformed_orders_are_refused(control, path, body):
    answer = control.http.post(f"/_sandbox{path}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("content", [b"{", b"[]", b"1"])
def test_order_that_is_no_json_object_is_refused(control, content):
    assert control.http.post("/_sandbox/faults", content=content).status_code == 400


def test_log_lists_requests_without_credentials(client, control, served, acme):
    entry = control.get("/requests", vendor="stytch")["requests"][0]

    assert (entry["method"], entry["path"], entry["status"]) == (
        "POST",
        "/v1/b2b/organizations",
        200,
    )
    assert entry["body"]["organization_name"] == "Acme"
    assert "Stytch Python" in entry["headers"]["user-agent"]
    assert "authorization" not in entry["headers"]
    assert control.get("/requests", vendor="stripe")["requests"] == []


def test_clock_moves_by_the_given_seconds(control):
    control.advance(days=2)
    control.advance(hours=1)

    assert control.get("/clock")["offset"] == 2 * 86_400 + 3600


def test_reset_deletes_everything(client, control, acme):
    control.advance(days=1)
    control.post("/webhooks", drop=3)
    client.magic_links.email.discovery.send("ada@acme.example")

    control.post("/reset")

    assert control.get("/clock")["offset"] == 0
    assert control.get("/webhooks")["drop"] == 0
    assert control.get("/inbox")["mails"] == []
    assert control.get("/requests")["requests"] == []
    assert control.get("/webhooks/deliveries")["deliveries"] == []
    assert client.organizations.search().organizations == []


def test_inbox_is_newest_first_and_filters_by_address_in_any_case(client, control):
    for address in ("ada@acme.example", "bob@acme.example", "Ada@Acme.Example"):
        client.magic_links.email.discovery.send(address)

    assert [mail["to"] for mail in control.get("/inbox")["mails"]][1] == "bob@acme.example"
    mails = control.mails("ADA@acme.example")
    assert len(mails) == 2
    assert mails[0]["created_at"] >= mails[1]["created_at"]


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type"),
    [
        ("GET", "/v1/b2b/nowhere", 404, "route_not_found"),
        ("POST", "/v1/b2b/passwords/authenticate", 404, "route_not_found"),
        ("PATCH", "/v1/b2b/organizations", 405, "method_not_allowed"),
        ("POST", "/v1/b2b/organizations", 400, "bad_request"),
    ],
)
def test_wrong_routes_and_bodies_get_stytch_errors(
    served, control, method, path, status, error_type
):
    chosen = served.settings
    answer = requests.request(
        method,
        served.url + path,
        data="{" if error_type == "bad_request" else None,
        auth=(chosen.stytch_project_id, chosen.stytch_secret),
        timeout=20,
    )

    assert (answer.status_code, answer.json()["error_type"]) == (status, error_type)
    assert answer.json()["request_id"].startswith("request-id-test-")


@pytest.mark.parametrize("auth", [None, ("project-test-other", "secret-test-sandbox")])
def test_other_credentials_are_refused_but_keys_are_public(served, control, auth):
    answer = requests.get(f"{served.url}/v1/b2b/rbac/policy", auth=auth, timeout=20)
    keys = requests.get(f"{served.url}/v1/b2b/sessions/jwks/any", timeout=20)

    assert (answer.status_code, answer.json()["error_type"]) == (401, "unauthorized_credentials")
    assert keys.json()["keys"][0]["alg"] == "RS256"
