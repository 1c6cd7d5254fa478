"""Local front ends, links and notes exist in development only."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import httpx
import pytest

from config.env import LOCAL_FRONT_ENDS
from tests.harness.plugin import ROOT, SANDBOX_URL, free_port
from tests.harness.stack import client, poll

ORIGINS = [
    "http://localhost:3000",
    "http://localhost:5173",
    "http://127.0.0.1:3000",
    "http://127.0.0.1:5173",
]
CLOSED = ["http://localhost:5174", "https://localhost:5173", "http://app.example:5173"]


@contextmanager
def serve(environment):
    """Serve the product with another ENVIRONMENT, on the database of this test process."""
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--log-level", "warning", "config.wsgi:application"),
        ],
        cwd=ROOT,
        env=os.environ | {"ENVIRONMENT": environment},
    )
    https = {"X-Forwarded-Proto": "https"}  # production redirects everything else
    with client(base_url=f"http://127.0.0.1:{port}", headers=https, timeout=10) as caller:
        try:
            poll(lambda: is_up(caller), what=f"the API in {environment}")
            yield caller
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=15)


def is_up(caller):
    try:
        return caller.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def development(stack):
    with serve("development") as caller:
        yield caller


@pytest.fixture(scope="module")
def production(stack):
    with serve("production") as caller:
        yield caller


def ask_before(caller, origin):
    """Send the request a browser sends before a call with a token, and return who may call."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = caller.request("OPTIONS", "/v1/me", headers=asked)
    return answer.headers.get("Access-Control-Allow-Origin")


def buy(caller, session, origin):
    """Start a purchase that returns to a page of an origin."""
    price = caller.get("/v1/plans").json()["results"][0]["prices"][0]["id"]
    page = f"{origin}/billing"
    return caller.post(
        f"{session.path}/billing/checkout",
        headers={"Authorization": f"Bearer {session.token}"},
        json={"price_id": price, "success_url": page, "cancel_url": page},
    )


def test_local_front_ends_are_the_usual_ones():
    assert set(LOCAL_FRONT_ENDS) == set(ORIGINS)


def test_development_lets_local_front_ends_call(development):
    assert [ask_before(development, origin) for origin in ORIGINS] == ORIGINS
    assert [ask_before(development, origin) for origin in CLOSED] == [None] * len(CLOSED)


def test_production_lets_no_local_front_end_call(production):
    assert [ask_before(production, origin) for origin in ORIGINS] == [None] * len(ORIGINS)
    assert ask_before(production, "https://app.example") == "https://app.example"


def test_tests_and_everything_else_let_no_local_front_end_call(api, stack):
    asked = api.get("/v1/me", headers={"Origin": ORIGINS[0]})

    assert "Access-Control-Allow-Origin" not in asked.headers


def test_development_sends_a_buyer_back_to_a_local_front_end(development, new_organization):
    assert buy(development, new_organization.admin, ORIGINS[1]).status_code == 201
    assert (
        buy(development, new_organization.admin, CLOSED[0]).json()["code"] == "redirect_not_allowed"
    )


def test_production_sends_no_buyer_to_a_local_front_end(production, new_organization):
    answers = [buy(production, new_organization.admin, origin).json()["code"] for origin in ORIGINS]

    assert answers == ["redirect_not_allowed"] * len(ORIGINS)


def test_development_page_leads_to_admin_and_sandbox(development):
    page = development.get("/", headers={"Accept": "text/html"}).text

    assert '<a href="/admin/">' in page
    assert f'<a href="{SANDBOX_URL}">' in page


def test_production_page_leads_to_neither(production):
    page = production.get("/", headers={"Accept": "text/html"}).text

    assert '<a href="/docs">' in page
    assert "admin" not in page.lower()
    assert "sandbox" not in page.lower()


def test_docs_name_the_command_for_a_token_in_development(development, production):
    notes = [
        caller.get("/openapi.json").json()["info"]["description"]
        for caller in (development, production)
    ]

    assert ["make token" in note for note in notes] == [True, False]
    assert all("POST /v1/auth/magic-links" in note for note in notes)
