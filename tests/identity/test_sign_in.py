"""From a mailed link or code to a session."""

import functools
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tenancy.models import TenantSchema
from tenancy.services import schema_template


def address():
    return f"eve-{secrets.token_hex(4)}@sign-in.example"


@pytest.fixture
def link_token(api, sandbox):
    """A discovery token mailed to an address."""

    def mailed(email):
        assert api.post("/v1/auth/magic-links", json={"email": email}).status_code == 202
        return sandbox.mailed_token(email, "discovery")

    return mailed


@pytest.fixture
def intermediate(api, link_token):
    """The intermediate session of an address."""

    def found(email):
        answer = api.post("/v1/auth/discovery", json={"token": link_token(email)})
        return answer.json()["intermediate_session_token"]

    return found


@pytest.mark.parametrize("call", ["magic-links", "otp/send"])
def test_known_and_unknown_addresses_get_the_same_answer(api, acme, call):
    known = api.post(f"/v1/auth/{call}", json={"email": acme.address("ada")})
    unknown = api.post(f"/v1/auth/{call}", json={"email": address()})

    assert known.status_code == unknown.status_code == 202
    assert known.json() == unknown.json() == {"status": "sent"}


def test_discovery_names_the_organizations_an_address_opens(api, new_organization, link_token):
    email = new_organization.address("ada")

    answer = api.post("/v1/auth/discovery", json={"token": link_token(email)})

    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert found["email"] == email
    assert found["organizations"] == [
        {
            "id": new_organization.id,
            "slug": new_organization.slug,
            "name": "Acme",
            "membership": "active",
        }
    ]


def test_code_signs_in_like_a_link(api, sandbox, acme):
    email = acme.address("vic")
    api.post("/v1/auth/otp/send", json={"email": email})
    code = sandbox.mail(email, "otp")["code"]

    found = api.post("/v1/auth/otp/verify", json={"email": email, "code": code})

    assert found.status_code == 200
    assert [one["slug"] for one in found.json()["organizations"]] == [acme.slug]


def test_link_works_once(api, link_token):
    token = link_token(address())
    assert api.post("/v1/auth/discovery", json={"token": token}).status_code == 200

    again = api.post("/v1/auth/discovery", json={"token": token})

    assert (again.status_code, again.json()["code"]) == (401, "invalid_sign_in")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("discovery", {"token": "junk"}),
        ("invitations/accept", {"token": "junk"}),
        ("otp/verify", {"email": "a@b.example", "code": "000000"}),
        ("organizations", {"intermediate_session_token": "junk", "name": "Acme"}),
    ],
)
def test_invented_token_is_refused(api, call, body):
    answer = api.post(f"/v1/auth/{call}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_sign_in")


def test_refreshing_an_invented_session_is_refused(api):
    answer = api.post("/v1/auth/sessions/refresh", json={"session_token": "junk"})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_session")


def test_founder_is_the_admin_of_a_new_organization(api, intermediate):
    email, slug = address(), f"new-{secrets.token_hex(4)}"
    body = {"intermediate_session_token": intermediate(email), "name": "New Inc.", "slug": slug}

    session = api.post("/v1/auth/organizations", json=body)

    assert session.status_code == 201
    made = session.json()
    assert (made["organization"]["slug"], made["member"]["role"]) == (slug, "admin")
    assert made["user"]["email"] == email
    types = api.get(f"/v1/organizations/{slug}/events", token=made["session_jwt"]).json()
    assert [event["type"] for event in reversed(types["results"])] == [
        "organization.created",
        "member.added",
        "session.created",
    ]
    actors = {(event["actor"]["kind"], event["actor"]["id"]) for event in types["results"]}
    assert actors == {("member", made["member"]["id"])}
    assert session.headers["Cache-Control"] == "no-store"


def test_person_alone_makes_an_organization_without_a_name(api, intermediate):
    token = intermediate(f"support-{secrets.token_hex(4)}@gmail.com")

    made = api.post("/v1/auth/organizations", json={"intermediate_session_token": token}).json()

    assert made["organization"]["name"].startswith("support-")  # Stytch's default
    assert re.fullmatch(r"org-[0-9a-f]{10}", made["organization"]["slug"])
    assert made["member"]["role"] == "admin"


def test_taken_slug_is_a_conflict(api, acme, intermediate):
    body = {
        "intermediate_session_token": intermediate(address()),
        "name": "Acme",
        "slug": acme.slug,
    }

    answer = api.post("/v1/auth/organizations", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")


@pytest.mark.parametrize(
    ("asked", "code", "methods"),
    [
        ({"mfa_policy": "REQUIRED_FOR_ALL"}, "mfa_required", ["totp", "sms"]),
        (
            {"auth_methods": "RESTRICTED", "allowed_auth_methods": ["sso"]},
            "another_factor_required",
            ["sso"],
        ),
    ],
)
def test_organization_that_wants_more_than_a_link_gives_no_session(
    api, sandbox, new_organization, intermediate, asked, code, methods
):
    sandbox.post(f"/stytch/organizations/{new_organization.slug}", **asked)
    proof = intermediate(new_organization.address("ada"))
    body = {"intermediate_session_token": proof, "organization_id": new_organization.id}

    answer = api.post("/v1/auth/sessions", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.json()["methods"] == methods
    assert answer.json()["intermediate_session_token"] == proof


@pytest.mark.parametrize(
    "said",
    [
        {"slug": "admin"},
        {"slug": "00000000-0000-4000-8000-000000000000"},
        {"slug": "a b"},
        {"name": "Admin"},
    ],
)
def test_confusing_slug_is_refused_before_stytch_is_asked(
    api, intermediate, count_stytch_calls, said
):
    token = intermediate(address())
    asked = count_stytch_calls()
    body = {"intermediate_session_token": token, "name": "Acme", **said}

    answer = api.post("/v1/auth/organizations", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "slug_not_allowed")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/slug"]
    assert asked() == []


def test_invented_token_learns_of_no_organization(api, acme, intermediate):
    def enter(token, organization_id):
        body = {"intermediate_session_token": token, "organization_id": organization_id}
        return api.post("/v1/auth/sessions", json=body)

    nowhere = str(uuid4())
    invented = [enter("junk", id_).json()["code"] for id_ in (acme.id, nowhere, acme.slug, "no")]
    stranger = intermediate(address())
    genuine = [enter(stranger, id_).json()["code"] for id_ in (acme.id, nowhere, acme.slug, "no")]

    assert (set(invented), set(genuine)) == ({"invalid_sign_in"}, {"not_found"})


def test_one_person_of_two_organizations_is_one_user(api, front_end, acme):
    other = front_end.create_organization(
        acme.address("ada"), name="Other", slug=f"other-{secrets.token_hex(4)}"
    )

    here = api.get("/v1/me", token=acme.admin.token).json()["user"]
    there = api.get("/v1/me", token=other.token).json()["user"]

    assert here == there


def test_organization_that_was_not_discovered_is_refused(api, acme, intermediate):
    body = {
        "intermediate_session_token": intermediate(address()),
        "organization_id": acme.id,
    }

    answer = api.post("/v1/auth/sessions", json=body)

    assert answer.status_code in {401, 404, 409}


def test_unknown_organization_is_not_found(api, intermediate):
    body = {
        "intermediate_session_token": intermediate(address()),
        "organization_id": "00000000-0000-4000-8000-000000000000",
    }

    assert api.post("/v1/auth/sessions", json=body).status_code == 404


def test_stytch_away_is_503_with_retry_after_and_never_401(api, sandbox):
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/magic_links/discovery", status=500)

    answer = api.post("/v1/auth/discovery", json={"token": "anything"})

    assert (answer.status_code, answer.json()["code"]) == (503, "vendor_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_stytch_asking_us_to_slow_down_is_429(api, sandbox):
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/magic_links/email", status=429)

    answer = api.post("/v1/auth/magic-links", json={"email": address()})

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("email", ["", "no-at-sign", "a@" + "b" * 300 + ".example", None, 5])
def test_malformed_address_is_refused(api, email):
    answer = api.post("/v1/auth/magic-links", json={"email": email})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/email"


# ── Reserved before Stytch is asked ──────────────────────────────────────────────────────────

CREATE = "/v1/b2b/discovery/organizations/create"


@pytest.fixture
def one_spare(stack, committed):
    """Only one spare schema, and no worker to make more; call it to have the others back."""
    stack.worker.stop()
    spares = TenantSchema.objects.filter(state="spare").order_by("created_at")
    held = list(spares.values_list("name", flat=True)[1:])
    digest = schema_template.compute_digest()
    TenantSchema.objects.filter(name__in=held).update(digest="held")

    def give_back():
        TenantSchema.objects.filter(name__in=held).update(digest=digest)

    yield give_back
    give_back()
    stack.start_worker()


def test_sign_up_told_to_wait_succeeds_when_it_is_sent_again(api, front_end, sandbox, one_spare):
    bodies = []
    for _ in range(2):
        slug = f"burst-{secrets.token_hex(4)}"
        ist = front_end.discover(f"ada@{slug}.example")["intermediate_session_token"]
        bodies.append({"intermediate_session_token": ist, "name": slug, "slug": slug})
    asked = len(sandbox.requests("stytch", "POST", CREATE))

    with ThreadPoolExecutor(2) as pool:
        sign_up = functools.partial(api.post, "/v1/auth/organizations")
        first = list(pool.map(lambda body: sign_up(json=body), bodies))

    assert sorted(answer.status_code for answer in first) == [201, 503]
    assert len(sandbox.requests("stytch", "POST", CREATE)) == asked + 1
    (refused,) = [n for n, answer in enumerate(first) if answer.status_code == 503]
    assert first[refused].json()["code"] == "schema_not_ready"
    assert first[refused].headers["Retry-After"]
    one_spare()
    assert sign_up(json=bodies[refused]).status_code == 201


def test_sign_up_with_a_taken_slug_is_refused_before_stytch_is_asked(api, front_end, sandbox, acme):
    ist = front_end.discover(f"new-{secrets.token_hex(4)}@x.example")["intermediate_session_token"]
    asked = len(sandbox.requests("stytch", "POST", CREATE))
    body = {"intermediate_session_token": ist, "name": "New", "slug": acme.slug}

    refused = api.post("/v1/auth/organizations", json=body)

    assert (refused.status_code, refused.json()["code"]) == (409, "slug_taken")
    assert len(sandbox.requests("stytch", "POST", CREATE)) == asked
    other = body | {"slug": f"new-{secrets.token_hex(4)}"}
    again = api.post("/v1/auth/organizations", json=other)
    assert again.status_code == 201


def test_refused_sign_up_leaves_its_schema_to_the_next(api, committed):
    body = {"intermediate_session_token": "unknown", "name": "New", "slug": "never-made"}

    assert api.post("/v1/auth/organizations", json=body).status_code == 401

    assert not TenantSchema.objects.filter(reserved_slug="never-made").exists()


@pytest.fixture
def one_mail_an_hour(sandbox):
    """Let Stytch refuse the second mail to an address."""
    sandbox.post("/stytch/rate-limits", mail_window_seconds=3600)
    yield
    sandbox.post("/stytch/rate-limits", mail_window_seconds=0)


@pytest.mark.parametrize("call", ["magic-links", "otp/send"])
def test_mails_faster_than_stytch_allows_are_refused_for_a_moment(api, one_mail_an_hour, call):
    body = {"email": address()}
    first = api.post(f"/v1/auth/{call}", json=body)

    second = api.post(f"/v1/auth/{call}", json=body)

    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (429, "too_many_requests")
    assert int(second.headers["Retry-After"]) > 0
