"""Sign in with an OAuth provider or an organization's own one, by the unmodified SDK."""

import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.stytch import totp_codes
from sandbox.tests.support import refused

LANDING = "http://127.0.0.1:3000/authenticate"
VERIFIER = "v" * 43


@pytest.fixture
def browser(served, control):
    """Goes from a start to the provider's page, signs in there, and returns the answered query."""

    def go(path, *, email, verified=True, **query):
        query.setdefault("public_token", served.settings.stytch_public_token)
        started = httpx.get(served.url + path, params=query)
        assert started.is_redirect, started.text
        fields = {"email": email, "name": "Ada", "email_verified": str(verified).lower()}
        done = httpx.post(started.headers["Location"], data=fields)
        assert done.status_code == 303, done.text
        received = parse_qs(urlsplit(done.headers["Location"]).query)
        return {name: values[0] for name, values in received.items()}

    return go


@pytest.fixture
def discover(browser):
    """Signs in with a provider before an organization is chosen, and returns the token."""

    def go(email, provider="google", **options):
        path = f"/v1/b2b/public/oauth/{provider}/discovery/start"
        received = browser(path, email=email, discovery_redirect_url=LANDING, **options)
        assert received["stytch_token_type"] == "discovery_oauth"
        return received["token"]

    return go


@pytest.fixture
def connection(client, control, acme):
    """An active connection of Acme, which may add members."""
    client.organizations.update(acme.organization_id, sso_jit_provisioning="ALL_ALLOWED")
    made = control.post(
        "/stytch/connections", organization_id=acme.organization_id, display_name="Okta"
    )
    return made["connection_id"]


@pytest.fixture
def sso_token(browser, connection):
    """Signs in at Acme's own provider, and returns the token."""

    def go(email, **query):
        received = browser(
            "/v1/public/sso/start",
            email=email,
            connection_id=connection,
            login_redirect_url=LANDING,
            **query,
        )
        assert received["stytch_token_type"] == "sso"
        return received["token"]

    return go


def test_provider_opens_the_organizations_of_a_verified_address(client, acme, ada, discover):
    found = client.oauth.discovery.authenticate(discover("ada@acme.example"))

    assert (found.email_address, found.provider_type) == ("ada@acme.example", "Google")
    entry = found.discovered_organizations[0]
    assert (entry.organization.organization_id, entry.member_authenticated) == (
        acme.organization_id,
        True,
    )
    answer = client.discovery.intermediate_sessions.exchange(
        found.intermediate_session_token, acme.organization_id
    )
    factor = answer.member_session.authentication_factors[0]
    assert (factor.delivery_method.value, factor.email_factor) == ("oauth_google", None)
    assert answer.member.oauth_registrations[0].provider_type == "Google"


def test_unverified_address_needs_a_mail_the_first_time_only(client, control, acme, ada, discover):
    found = client.oauth.discovery.authenticate(
        discover("ada@acme.example", "microsoft", verified=False)
    )
    token = found.intermediate_session_token
    refused_entry = client.discovery.intermediate_sessions.exchange(token, acme.organization_id)
    assert refused_entry.primary_required.allowed_auth_methods == ["magic_link", "email_otp"]

    client.otps.email.login_or_signup(acme.organization_id, "ada@acme.example")
    done = client.otps.email.authenticate(
        acme.organization_id,
        "ada@acme.example",
        control.mail("ada@acme.example")["code"],
        intermediate_session_token=token,
    )
    again = client.oauth.discovery.authenticate(
        discover("ada@acme.example", "microsoft", verified=False)
    )

    assert done.member_authenticated
    assert again.discovered_organizations[0].member_authenticated


def test_organization_flow_signs_in_at_once(client, acme, ada, browser):
    received = browser(
        "/v1/b2b/public/oauth/github/start",
        email="ada@acme.example",
        organization_id=acme.organization_id,
        login_redirect_url=LANDING,
    )
    answer = client.oauth.authenticate(received["token"])

    assert (received["stytch_token_type"], answer.provider_type) == ("oauth", "Github")
    assert answer.member_session.organization_id == acme.organization_id


def test_token_of_a_provider_works_once(client, discover):
    token = discover("ada@acme.example")
    client.oauth.discovery.authenticate(token)

    with refused("oauth_token_not_found", 404):
        client.oauth.discovery.authenticate(token)
    with refused("oauth_token_not_found", 404):
        client.oauth.authenticate(discover("ada@acme.example"))


def test_token_expires(client, control, discover):
    token = discover("ada@acme.example")
    control.advance(minutes=5)

    with refused("oauth_token_not_found", 404):
        client.oauth.discovery.authenticate(token)


def test_pkce_verifier_must_match(client, discover):
    token = discover("ada@acme.example", pkce_code_challenge="c" * 43)
    with refused("pkce_expected_code_verifier", 400):
        client.oauth.discovery.authenticate(token)
    with refused("pkce_mismatch", 400):
        client.oauth.discovery.authenticate(token, pkce_code_verifier=VERIFIER)
    with refused("pkce_did_not_expect_code_verifier", 400):
        client.oauth.discovery.authenticate(
            discover("ada@acme.example"), pkce_code_verifier=VERIFIER
        )


@pytest.mark.parametrize(
    ("path", "query", "status", "error_type"),
    [
        ("/v1/b2b/public/oauth/google/discovery/start", {"public_token": ""}, 400, "public_token_required"),
        ("/v1/b2b/public/oauth/google/discovery/start", {"public_token": "x"}, 404, "public_token_not_found"),
        ("/v1/b2b/public/oauth/myspace/discovery/start", {}, 400, "oauth_config_not_found"),
        ("/v1/b2b/public/oauth/google/discovery/start", {"discovery_redirect_url": "x"}, 400, "invalid_url"),
        ("/v1/b2b/public/oauth/google/start", {}, 400, "missing_oauth_organization_locator"),
        ("/v1/public/sso/start", {"public_token": "x"}, 404, "public_token_not_found"),
        ("/v1/public/sso/start", {}, 400, "missing_sso_connection_locator"),
        ("/v1/public/sso/start", {"connection_id": "x"}, 404, "sso_connection_not_found"),
    ],
)  # fmt: skip
def test_start_refuses_what_stytch_refuses(served, control, path, query, status, error_type):
    query = {"public_token": served.settings.stytch_public_token, **query}

    answer = httpx.get(served.url + path, params=query)

    assert (answer.status_code, answer.json()["error_type"]) == (status, error_type)


def test_own_provider_signs_in_a_member_and_adds_a_new_one(
    client, acme, ada, connection, sso_token
):
    known = client.sso.authenticate(sso_token("ada@acme.example"))
    added = client.sso.authenticate(sso_token("new@acme.example"))

    assert known.member.member_id == ada.member_id
    assert known.member_session.authentication_factors[0].type.value == "sso"
    assert added.member.sso_registrations[0].connection_id == connection


def test_own_provider_adds_no_one_where_the_organization_forbids_it(client, acme, sso_token):
    client.organizations.update(acme.organization_id, sso_jit_provisioning="NOT_ALLOWED")

    with refused("invalid_email_for_jit_provisioning", 400):
        client.sso.authenticate(sso_token("new@acme.example"))


def test_own_provider_counts_in_its_organization_only(client, acme, sso_token):
    session = client.sso.authenticate(sso_token("eve@victim.example"))
    other = client.organizations.create("Victim").organization
    client.organizations.members.create(other.organization_id, "eve@victim.example")

    answer = client.sessions.exchange(other.organization_id, session_token=session.session_token)

    assert not answer.member_authenticated
    assert answer.primary_required is not None


def test_address_written_after_the_factor_does_not_count_elsewhere(client, acme, ada, signed_in):
    session = signed_in(acme.organization_id, "ada@acme.example")
    other = client.organizations.create("Victim").organization
    client.organizations.members.create(other.organization_id, "eve@victim.example")
    client.organizations.members.update(
        acme.organization_id, ada.member_id, email_address="eve@victim.example"
    )

    answer = client.sessions.exchange(other.organization_id, session_token=session.session_token)

    assert not answer.member_authenticated


def test_connections_are_listed_and_deleted(client, acme, connection):
    listed = client.sso.get_connections(acme.organization_id)
    assert [one.connection_id for one in listed.oidc_connections] == [connection]
    organization = client.organizations.get(acme.organization_id).organization
    assert organization.sso_active_connections[0].connection_id == connection

    client.sso.delete_connection(acme.organization_id, connection)

    organization = client.organizations.get(acme.organization_id).organization
    assert organization.sso_active_connections == []
    assert client.sso.get_connections(acme.organization_id).oidc_connections == []


def test_connection_is_active_once_it_is_configured(client, acme):
    made = client.sso.oidc.create_connection(acme.organization_id, display_name="Okta").connection
    configured = client.sso.oidc.update_connection(
        acme.organization_id,
        made.connection_id,
        client_id="id",
        client_secret="secret",
        issuer="https://idp.example",
        authorization_url="https://idp.example/authorize",
        token_url="https://idp.example/token",
        jwks_url="https://idp.example/keys",
    ).connection

    assert (made.status, configured.status) == ("pending", "active")


def test_page_of_a_finished_sign_in_says_so(served, discover, control):
    discover("ada@acme.example")

    page = httpx.get(f"{served.url}/providers/google?state=gone")

    assert page.status_code == 404
    assert "has expired or was finished" in page.text


def test_page_refuses_what_is_no_address(served, control):
    query = {"public_token": served.settings.stytch_public_token}
    path = "/v1/b2b/public/oauth/google/discovery/start"
    page = httpx.get(served.url + path, params=query).headers["Location"]

    answer = httpx.post(page, data={"email": "no address"})

    assert answer.status_code == 400
    assert "The email address is not valid." in answer.text


def test_start_page_links_to_every_provider(served, control, connection):
    page = httpx.get(served.url).text

    assert page.count("/v1/auth/oauth/start?provider=") == 5
    assert f"/v1/auth/sso/start?connection_id={connection}" in page


def test_page_of_the_authenticator_shows_current_codes(client, served, control, acme, ada):
    made = client.totps.create(acme.organization_id, ada.member_id)

    shown = httpx.get(f"{served.url}/authenticator").text

    steps = [int(time.time()) // 30 - later for later in (0, 1)]
    codes = [totp_codes.compute_code(made.secret, step) for step in steps]
    assert any(code in shown for code in codes)
    assert "ada@acme.example" in shown


@pytest.mark.parametrize("kind", ["discovery_oauth", "sso", "discovery"])
def test_landing_shows_how_to_continue_with_a_second_factor(served, control, kind):
    page = httpx.get(f"{served.url}/landing", params={"stytch_token_type": kind, "token": "t"}).text

    assert "/v1/auth/mfa/totp/enroll" in page
    assert "/v1/auth/mfa/sms/send" in page
