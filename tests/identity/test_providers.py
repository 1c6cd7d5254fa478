"""Sign in with Google and its like, and with an organization's own identity provider."""

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

from identity import directories
from identity.models import Member, User
from tenancy.models import Organization
from tests.identity import providers

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())[:43].decode()


def address():
    return f"eve-{secrets.token_hex(4)}@providers.example"


@pytest.fixture
def connect(sandbox):
    """Connect an organization to its own provider, which may add members."""

    def create(organization, **settings):
        sandbox.post(
            f"/stytch/organizations/{organization.slug}",
            **{"sso_jit_provisioning": "ALL_ALLOWED", **settings},
        )
        made = sandbox.post(
            "/stytch/connections", organization_id=organization.slug, display_name="Okta"
        )
        return made["connection_id"]

    return create


def enter(api, discovery, organization):
    body = {
        "intermediate_session_token": discovery["intermediate_session_token"],
        "organization_id": organization.id,
    }
    return api.post("/v1/auth/sessions", json=body)


# ── The start ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("provider", ["google", "microsoft", "github", "slack", "hubspot"])
def test_oauth_starts_at_stytch_with_the_public_token(api, settings, provider):
    query = {"provider": provider, "redirect_url": providers.LANDING}

    answer = api.get("/v1/auth/oauth/start", params=query)

    url = urlsplit(answer.headers["Location"])
    assert (answer.status_code, url.path) == (
        302,
        f"/v1/b2b/public/oauth/{provider}/discovery/start",
    )
    assert parse_qs(url.query) == {
        "public_token": [settings.STYTCH_PUBLIC_TOKEN],
        "discovery_redirect_url": [providers.LANDING],
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_sso_starts_at_stytch_with_the_connection(api, settings):
    query = {
        "connection_id": "oidc-connection-test-1",
        "redirect_url": providers.LANDING,
        "code_challenge": CHALLENGE,
    }

    answer = api.get("/v1/auth/sso/start", params=query)

    url = urlsplit(answer.headers["Location"])
    assert (answer.status_code, url.path) == (302, "/v1/public/sso/start")
    assert parse_qs(url.query) == {
        "public_token": [settings.STYTCH_PUBLIC_TOKEN],
        "connection_id": ["oidc-connection-test-1"],
        "login_redirect_url": [providers.LANDING],
        "signup_redirect_url": [providers.LANDING],
        "pkce_code_challenge": [CHALLENGE],
    }


@pytest.mark.parametrize("call", ["oauth", "sso"])
@pytest.mark.parametrize("url", ["https://evil.example/landing", "//evil.example", "/landing"])
def test_browser_returns_to_an_allowed_front_end_only(api, call, url):
    query = {"provider": "google"} if call == "oauth" else {"connection_id": "c-1"}

    answer = api.get(f"/v1/auth/{call}/start", params={**query, "redirect_url": url})

    assert (answer.status_code, answer.json()["code"]) == (400, "redirect_not_allowed")
    assert answer.json()["errors"][0]["pointer"] == "?redirect_url"


@pytest.mark.parametrize(
    ("call", "query", "pointers"),
    [
        ("oauth", {}, ["?provider", "?redirect_url"]),
        ("oauth", {"provider": "myspace", "redirect_url": "x"}, ["?provider"]),
        ("sso", {"connection_id": "../x", "redirect_url": "x"}, ["?connection_id"]),
        (
            "sso",
            {"connection_id": "c", "redirect_url": "x", "code_challenge": "short"},
            ["?code_challenge"],
        ),
    ],
)
def test_malformed_start_is_refused_by_parameter(api, call, query, pointers):
    answer = api.get(f"/v1/auth/{call}/start", params=query)

    assert answer.status_code == 400
    assert sorted(error["pointer"] for error in answer.json()["errors"]) == pointers


# ── OAuth ────────────────────────────────────────────────────────────────────────────────────


def test_google_opens_the_organizations_of_its_address(api, new_organization):
    email = new_organization.address("ada")

    found = providers.discover_by_oauth(api, email)
    session = enter(api, found, new_organization)

    assert found["email"] == email
    assert [one["slug"] for one in found["organizations"]] == [new_organization.slug]
    assert session.status_code == 201
    token = session.json()["session_jwt"]
    assert api.get("/v1/me", token=token).json()["member"]["email"] == email
    sessions = api.get("/v1/me/sessions", token=token).json()["results"]
    assert [one["factors"] for one in sessions if one["is_current"]] == [["oauth"]]


def test_founder_who_signs_in_with_google_is_an_unverified_person(api):
    email, slug = address(), f"oauth-{secrets.token_hex(4)}"
    found = providers.discover_by_oauth(api, email)
    token = found["intermediate_session_token"]
    body = {"intermediate_session_token": token, "name": slug, "slug": slug}

    made = api.post("/v1/auth/organizations", json=body)

    assert made.status_code == 201
    user = made.json()["user"]
    assert (user["email"], user["email_verified"]) == (email, False)


def test_provider_token_works_once(api):
    received = providers.submit_page(
        providers.start_oauth(api), email=address(), email_verified="true"
    )
    assert received["stytch_token_type"] == "discovery_oauth"
    body = {"token": received["token"]}
    assert api.post("/v1/auth/oauth", json=body).status_code == 200

    again = api.post("/v1/auth/oauth", json=body)

    assert (again.status_code, again.json()["code"]) == (401, "invalid_sign_in")


@pytest.mark.parametrize("call", ["oauth", "sso"])
@pytest.mark.parametrize("body", [{"token": "junk"}, {"token": "x", "code_verifier": VERIFIER}])
def test_invented_provider_token_is_refused(api, call, body):
    answer = api.post(f"/v1/auth/{call}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_sign_in")


@pytest.mark.parametrize("verifier", [None, "w" * 43])
def test_token_of_another_browser_is_refused(api, verifier):
    page = providers.start_oauth(api, code_challenge=CHALLENGE)
    token = providers.submit_page(page, email=address(), email_verified="true")["token"]
    body = {"token": token} | ({"code_verifier": verifier} if verifier else {})

    refused = api.post("/v1/auth/oauth", json=body)
    own = api.post("/v1/auth/oauth", json={"token": token, "code_verifier": VERIFIER})

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_sign_in")
    assert own.status_code == 200


def test_address_that_a_provider_does_not_verify_opens_nothing(api, new_organization):
    victim = new_organization.address("ada")

    found = providers.discover_by_oauth(api, victim, provider="microsoft", verified=False)
    answer = enter(api, found, new_organization)

    assert (answer.status_code, answer.json()["code"]) == (409, "another_factor_required")
    assert answer.json()["methods"] == ["magic_link", "email_otp"]


def test_invitation_is_not_accepted_by_an_unverified_address(
    api, front_end, new_organization, sandbox
):
    victim = new_organization.address("new")
    invited = front_end.invite(new_organization.admin, victim, role="member")

    found = providers.discover_by_oauth(api, victim, provider="github", verified=False)
    answer = enter(api, found, new_organization)

    assert answer.json()["code"] == "another_factor_required"
    path = f"{new_organization.path}/invitations/{invited['id']}"
    assert api.get(path, token=new_organization.admin.token).json()["status"] == "pending"


# ── An organization's own provider ───────────────────────────────────────────────────────────


def test_member_signs_in_by_the_organizations_own_provider(api, new_organization, connect):
    connection_id = connect(new_organization)

    answer = providers.sign_in_by_sso(api, connection_id, new_organization.address("vic"))

    assert answer.status_code == 201
    made = answer.json()
    assert (made["organization"]["slug"], made["member"]["role"]) == (
        new_organization.slug,
        "viewer",
    )
    assert api.get("/v1/me", token=made["session_jwt"]).status_code == 200


def test_organization_that_wants_its_own_provider_names_it(api, new_organization, connect, sandbox):
    connection_id = connect(
        new_organization, auth_methods="RESTRICTED", allowed_auth_methods=["sso"]
    )
    found = providers.discover_by_oauth(api, new_organization.address("vic"))

    refused = enter(api, found, new_organization).json()
    entered = providers.sign_in_by_sso(
        api, refused["connections"][0]["id"], new_organization.address("vic")
    )

    assert (refused["code"], refused["methods"]) == ("another_factor_required", ["sso"])
    assert refused["connections"] == [{"id": connection_id, "name": "Okta"}]
    assert refused["organization"] == {
        "id": new_organization.id,
        "slug": new_organization.slug,
        "name": "Acme",
    }
    assert entered.status_code == 201


def test_new_person_of_the_provider_becomes_a_member_if_the_organization_allows(
    api, new_organization, connect
):
    email = new_organization.address("joins")
    connection_id = connect(new_organization)

    made = providers.sign_in_by_sso(api, connection_id, email)

    assert (made.status_code, made.json()["member"]["email"]) == (201, email)


def test_new_person_of_a_provider_that_may_add_none_is_told_to_be_invited(
    api, new_organization, connect
):
    connection_id = connect(new_organization, sso_jit_provisioning="NOT_ALLOWED")

    answer = providers.sign_in_by_sso(api, connection_id, new_organization.address("joins"))

    assert (answer.status_code, answer.json()["code"]) == (409, "joining_not_allowed")


def test_oauth_token_does_not_sign_in_by_sso(api):
    received = providers.submit_page(
        providers.start_oauth(api), email=address(), email_verified="true"
    )

    answer = api.post("/v1/auth/sso", json={"token": received["token"]})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_sign_in")


# ── A hostile organization ───────────────────────────────────────────────────────────────────


@pytest.fixture
def victim(new_organization, committed):
    """Return the user of a person who has proved an address, with the organization."""
    member = Member.objects.get(pk=new_organization.admin.member["id"])
    assert member.user.email_verified
    return member.user


@pytest.fixture
def mallory(front_end):
    """The admin of another organization, who controls its directory and its provider."""
    slug = f"evil-{secrets.token_hex(4)}"
    return front_end.create_organization(f"mallory@{slug}.example", name="Evil", slug=slug)


def read_user(member_id):
    return User.objects.get(members__pk=member_id)


def list_places(api, token):
    answer = api.get("/v1/me/organizations", token=token)
    assert answer.status_code == 200, answer.text
    return [one["slug"] for one in answer.json()["results"]]


def switch(api, token, organization):
    return api.post("/v1/auth/sessions/switch", token=token, json={"organization_id": organization})


def test_hostile_provider_that_asserts_an_address_gains_nothing(
    api, sandbox, mallory, victim, new_organization
):
    slug = mallory.organization["slug"]
    sandbox.post(f"/stytch/organizations/{slug}", sso_jit_provisioning="ALL_ALLOWED")
    connection = sandbox.post("/stytch/connections", organization_id=slug)["connection_id"]

    made = providers.sign_in_by_sso(api, connection, victim.email).json()

    token = made["session_jwt"]
    assert read_user(made["member"]["id"]).pk != victim.pk
    assert made["user"]["email_verified"] is False
    assert list_places(api, token) == [slug]
    assert switch(api, token, new_organization.id).status_code == 404
    assert api.get(new_organization.path, token=token).status_code == 404


def test_hostile_directory_that_writes_an_address_after_oauth_gains_nothing(
    api, sandbox, mallory, victim, new_organization, at_stytch, wait_until_settled
):
    found = providers.discover_by_oauth(api, mallory.member["email"])
    body = {
        "intermediate_session_token": found["intermediate_session_token"],
        "organization_id": mallory.organization["id"],
    }
    session = api.post("/v1/auth/sessions", json=body).json()
    member_id = session["member"]["id"]
    before = read_user(member_id)

    sandbox.post(
        f"/stytch/members/{at_stytch(member_id)}",
        email_address=victim.email,
        email_address_verified=True,
    )
    wait_until_settled()
    refreshed = api.post(
        "/v1/auth/sessions/refresh", json={"session_token": session["session_token"]}
    ).json()

    token = refreshed["session_jwt"]
    assert refreshed["member"]["email"] == victim.email
    assert read_user(member_id).pk == before.pk != victim.pk
    assert refreshed["user"]["email_verified"] is False
    assert list_places(api, token) == [mallory.organization["slug"]]
    assert switch(api, token, new_organization.id).status_code == 404


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
def test_hostile_directory_gains_nothing_before_its_webhook_arrives(
    api, sandbox, mallory, victim, new_organization, drop_webhooks, is_known
):
    """Stytch lists the organizations of the address that it has now."""
    drop_webhooks()
    slug, email = mallory.organization["slug"], f"eve@{secrets.token_hex(4)}.example"
    org_id = Organization.objects.get(slug=slug).stytch_org_id
    made = sandbox.post("/stytch/members", organization_id=org_id, email_address=email)
    found = providers.discover_by_oauth(api, email)
    session = directories.get_directory().exchange_intermediate_session(
        intermediate_session_token=found["intermediate_session_token"], stytch_org_id=org_id
    )
    if is_known:
        assert list_places(api, session.session_jwt) == [slug]

    sandbox.post(
        f"/stytch/members/{made['member_id']}",
        email_address=victim.email,
        email_address_verified=True,
    )

    assert list_places(api, session.session_jwt) == [slug]
    assert switch(api, session.session_jwt, new_organization.id).status_code in {404, 409}


def test_hostile_oauth_account_that_claims_an_address_gains_nothing(
    api, mallory, victim, new_organization
):
    found = providers.discover_by_oauth(api, victim.email, provider="microsoft", verified=False)
    slug = f"claim-{secrets.token_hex(4)}"
    token = found["intermediate_session_token"]

    entered = enter(api, found, new_organization)
    founded = api.post(
        "/v1/auth/organizations",
        json={"intermediate_session_token": token, "name": slug, "slug": slug},
    )

    assert [entered.json()["code"], founded.json()["code"]] == ["another_factor_required"] * 2
    assert not Member.objects.filter(organization__slug=slug).exists()
