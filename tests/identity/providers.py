"""Go through the pages of identity providers as a browser does."""

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.harness.plugin import SANDBOX_URL

LANDING = f"{SANDBOX_URL}/landing"


def follow_start(answer):
    """Return the address of the provider's page that a start of the API leads to."""
    assert answer.status_code == 302, answer.text
    location = answer.headers["Location"]
    while "/v1/" in urlsplit(location).path:
        redirect = httpx.get(location)
        assert redirect.is_redirect, redirect.text
        location = redirect.headers["Location"]
    return location


def submit_page(page, **fields):
    """Sign in on a provider's page, and return what the front end receives."""
    answer = httpx.post(page, data={"name": "Ada", **fields})
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


def start_oauth(api, provider="google", **parameters):
    """Start a sign-in with a provider, and return the address of its page."""
    query = {"provider": provider, "redirect_url": LANDING, **parameters}
    return follow_start(api.get("/v1/auth/oauth/start", params=query))


def discover_by_oauth(api, email, *, provider="google", verified=True):
    """Sign in with a provider, and return the discovery."""
    fields = {"email": email, "email_verified": "true" if verified else "false"}
    received = submit_page(start_oauth(api, provider), **fields)
    answer = api.post("/v1/auth/oauth", json={"token": received["token"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def fetch_sso_token(api, connection_id, email, **parameters):
    """Sign in at an organization's own provider, and return the token."""
    query = {"connection_id": connection_id, "redirect_url": LANDING, **parameters}
    page = follow_start(api.get("/v1/auth/sso/start", params=query))
    received = submit_page(page, email=email)
    assert received["stytch_token_type"] == "sso"
    return received["token"]


def sign_in_by_sso(api, connection_id, email):
    """Sign in at an organization's own provider, and return the answer of the API."""
    token = fetch_sso_token(api, connection_id, email)
    return api.post("/v1/auth/sso", json={"token": token})
