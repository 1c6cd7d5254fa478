"""Finish a sign-in with a second factor, or set one up where the organization wants one."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from identity import rate_limits
from identity.models import AttemptCounter
from sandbox.stytch import totp_codes
from tests.identity import providers

PHONE = "+15005550006"


@pytest.fixture
def strict(sandbox, new_organization):
    """An organization that requires a second factor of everyone."""
    sandbox.post(f"/stytch/organizations/{new_organization.slug}", mfa_policy="REQUIRED_FOR_ALL")
    return new_organization


@pytest.fixture
def start(api, front_end):
    """Return a function that signs in by code and enters an organization, and returns the answer."""

    def begin(organization, name="grace"):
        found = front_end.discover(organization.address(name))
        body = {
            "intermediate_session_token": found["intermediate_session_token"],
            "organization_id": organization.id,
        }
        return api.post("/v1/auth/sessions", json=body)

    return begin


def continue_with(problem, **fields):
    """Return the body of a call that continues a sign-in."""
    return {
        "intermediate_session_token": problem["intermediate_session_token"],
        "organization_id": problem["organization"]["id"],
        "member_id": problem["member_id"],
        **fields,
    }


def compute_code(secret, *, later=0):
    """Return the code of the present step of thirty seconds, or of one that is also accepted."""
    return totp_codes.compute_code(secret, int(time.time()) // 30 + later)


@pytest.fixture
def enrolled(api, strict, start):
    """A member with an authenticator app, its recovery codes, and the next sign-in under way."""
    problem = start(strict).json()
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem)).json()
    code = compute_code(app["secret"])
    body = continue_with(problem, code=code)
    assert api.post("/v1/auth/mfa/totp", json=body).status_code == 201
    return app | {"problem": start(strict).json(), "used_code": code}


def test_member_without_a_second_factor_is_told_what_to_set_up(strict, start):
    answer = start(strict)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "mfa_required")
    assert (problem["enrolled"], problem["methods"]) == (False, ["totp", "sms"])
    assert problem["organization"] == {"id": strict.id, "slug": strict.slug, "name": "Acme"}
    assert problem["intermediate_session_token"]
    assert problem["member_id"]


def test_only_the_allowed_second_factors_are_offered(sandbox, api, strict, start):
    sandbox.post(
        f"/stytch/organizations/{strict.slug}",
        mfa_methods="RESTRICTED",
        allowed_mfa_methods=["sms_otp"],
    )
    problem = start(strict).json()

    refused = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem))

    assert problem["methods"] == ["sms"]
    assert (refused.status_code, refused.json()["code"]) == (409, "second_factor_not_allowed")


def test_authenticator_app_is_set_up_and_signs_in(api, strict, start):
    problem = start(strict).json()
    made = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem))
    app = made.json()

    body = continue_with(problem, code=compute_code(app["secret"]))
    answer = api.post("/v1/auth/mfa/totp", json=body)

    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert app["qr_code"].startswith("data:image/png;base64,")
    assert len(app["recovery_codes"]) == 10
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    token = answer.json()["session_jwt"]
    assert answer.json()["user"]["email_verified"]
    (factors,) = [
        one["factors"]
        for one in api.get("/v1/me/sessions", token=token).json()["results"]
        if one["is_current"]
    ]
    assert sorted(factors) == ["email_otp", "totp"] or sorted(factors) == ["magic_link", "totp"]


def test_enrolled_member_signs_in_with_the_app(api, enrolled):
    problem = enrolled["problem"]

    answer = api.post(
        "/v1/auth/mfa/totp",
        json=continue_with(problem, code=compute_code(enrolled["secret"], later=1)),
    )

    assert (problem["enrolled"], problem["methods"]) == (True, ["totp", "recovery"])
    assert answer.status_code == 201


def test_mistyped_phone_number_does_not_shut_the_member_out(api, strict, start):
    """Stytch keeps the number that no code has verified."""
    problem = start(strict).json()
    sent = api.post("/v1/auth/mfa/sms/send", json=continue_with(problem, phone_number=PHONE))

    problem = start(strict).json()
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem)).json()
    body = continue_with(problem, code=compute_code(app["secret"]))
    signed_in = api.post("/v1/auth/mfa/totp", json=body)

    assert sent.status_code == 202
    assert (problem["enrolled"], problem["methods"]) == (False, ["totp", "sms"])
    assert problem["code_sent"] is False
    assert signed_in.status_code == 201
    assert start(strict).json()["methods"] == ["totp", "recovery"]


def test_second_app_is_refused(api, enrolled):
    answer = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(enrolled["problem"]))

    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_exists")


def test_phone_is_no_way_around_an_app(api, enrolled):
    body = continue_with(enrolled["problem"], phone_number=PHONE)

    answer = api.post("/v1/auth/mfa/sms/send", json=body)

    assert (answer.status_code, answer.json()["code"]) == (409, "second_factor_exists")


def test_used_code_is_refused_and_the_sign_in_goes_on(api, enrolled):
    problem = enrolled["problem"]
    used = continue_with(problem, code=enrolled["used_code"])

    refused = api.post("/v1/auth/mfa/totp", json=used)
    right = api.post(
        "/v1/auth/mfa/totp",
        json=continue_with(problem, code=compute_code(enrolled["secret"], later=1)),
    )

    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_second_factor")
    assert right.status_code == 201


def test_recovery_code_signs_in_once(api, start, strict, enrolled):
    code = enrolled["recovery_codes"][0]
    first = api.post("/v1/auth/mfa/recovery", json=continue_with(enrolled["problem"], code=code))

    again = api.post("/v1/auth/mfa/recovery", json=continue_with(start(strict).json(), code=code))

    assert first.status_code == 201
    assert (again.status_code, again.json()["code"]) == (401, "invalid_second_factor")


def test_phone_is_set_up_and_the_next_code_comes_by_itself(api, sandbox, strict, start):
    phone = f"+1500{secrets.randbelow(10**7):07}"
    problem = start(strict).json()
    sent = api.post("/v1/auth/mfa/sms/send", json=continue_with(problem, phone_number=phone))
    first = api.post(
        "/v1/auth/mfa/sms",
        json=continue_with(problem, code=sandbox.mail(phone, "sms")["code"]),
    )

    again = start(strict).json()
    second = api.post(
        "/v1/auth/mfa/sms", json=continue_with(again, code=sandbox.mail(phone, "sms")["code"])
    )

    assert (sent.status_code, sent.json()) == (202, {"status": "sent"})
    assert first.status_code == second.status_code == 201
    assert (problem["code_sent"], again["code_sent"]) == (False, True)
    assert (again["enrolled"], again["methods"]) == (True, ["sms"])


def test_message_without_a_number_is_refused(api, strict, start):
    answer = api.post("/v1/auth/mfa/sms/send", json=continue_with(start(strict).json()))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/phone_number"


@pytest.mark.parametrize("method", ["totp", "sms", "recovery"])
def test_wrong_code_is_refused(api, strict, start, method):
    body = continue_with(start(strict).json(), code="000000")

    answer = api.post(f"/v1/auth/mfa/{method}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_second_factor")


def test_ten_wrong_codes_lock_the_sign_in(api, enrolled):
    problem, right = enrolled["problem"], compute_code(enrolled["secret"], later=1)
    wrong = continue_with(problem, code=f"{(int(right) + 1) % 10**6:06}")
    refused = [api.post("/v1/auth/mfa/totp", json=wrong) for _ in range(10)]

    locked = api.post("/v1/auth/mfa/totp", json=continue_with(problem, code=right))

    assert {answer.json()["code"] for answer in refused} == {"invalid_second_factor"}
    assert (locked.status_code, locked.json()["code"]) == (429, "sign_in_locked")
    assert int(locked.headers["Retry-After"]) >= 60


def test_checks_of_one_sign_in_are_limited_before_stytch_is_asked(
    api, strict, start, settings, count_stytch_calls, committed
):
    body = continue_with(start(strict).json(), code="000000")
    api.post("/v1/auth/mfa/totp", json=body)
    digest = rate_limits.compute_digest(
        rate_limits.SECOND_FACTOR_PER_SIGN_IN, body["intermediate_session_token"]
    )
    assert AttemptCounter.objects.filter(digest=digest).update(attempts=10**6) == 1
    asked = count_stytch_calls()

    answer = api.post("/v1/auth/mfa/totp", json=body)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert asked() == []


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("totp", {"code": "000000"}),
        ("totp/enroll", {}),
        ("sms", {"code": "000000"}),
        ("sms/send", {"phone_number": PHONE}),
        ("recovery", {"code": "abcd-efgh-jkmn"}),
    ],
)
def test_invented_sign_in_learns_of_no_organization(api, acme, at_stytch, call, fields):
    member_id = at_stytch(acme.viewer.member["id"])
    nowhere = "01890000-0000-7000-8000-000000000000"
    answers = [
        api.post(
            f"/v1/auth/mfa/{call}",
            json={
                "intermediate_session_token": "junk",
                "organization_id": organization_id,
                "member_id": member,
                **fields,
            },
        ).json()["code"]
        for organization_id in (acme.id, acme.slug, nowhere, "no")
        for member in (member_id, "member-test-unknown")
    ]

    assert set(answers) == {"invalid_sign_in"}


def test_second_factor_of_another_member_is_no_help(api, strict, start):
    own, other = start(strict, "grace").json(), start(strict, "vic").json()
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(own)).json()
    stolen = continue_with(other, code=compute_code(app["secret"])) | {
        "member_id": own["member_id"]
    }

    answer = api.post("/v1/auth/mfa/totp", json=stolen)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_sign_in")


def test_second_factor_works_once_at_a_time(api, enrolled):
    body = continue_with(enrolled["problem"], code=compute_code(enrolled["secret"], later=1))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: api.post("/v1/auth/mfa/totp", json=body), range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 401]


# ── Every way in may ask for it ──────────────────────────────────────────────────────────────


def test_invitation_is_accepted_with_a_second_factor(api, front_end, sandbox, strict):
    email = strict.address("newcomer")
    front_end.invite(strict.admin, email, role="member")
    token = sandbox.mailed_token(email, "invite")

    problem = api.post("/v1/auth/invitations/accept", json={"token": token}).json()
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem)).json()
    answer = api.post(
        "/v1/auth/mfa/totp", json=continue_with(problem, code=compute_code(app["secret"]))
    )

    assert problem["code"] == "mfa_required"
    assert (answer.status_code, answer.json()["member"]["email"]) == (201, email)


def test_google_and_the_own_provider_ask_for_the_second_factor(api, sandbox, strict):
    email = strict.address("vic")
    found = providers.discover_by_oauth(api, email)
    body = {
        "intermediate_session_token": found["intermediate_session_token"],
        "organization_id": strict.id,
    }
    connection = sandbox.post("/stytch/connections", organization_id=strict.slug)

    by_oauth = api.post("/v1/auth/sessions", json=body)
    by_sso = providers.sign_in_by_sso(api, connection["connection_id"], email)
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(by_sso.json())).json()
    answer = api.post(
        "/v1/auth/mfa/totp", json=continue_with(by_sso.json(), code=compute_code(app["secret"]))
    )

    assert [one.json()["code"] for one in (by_oauth, by_sso)] == ["mfa_required"] * 2
    assert (answer.status_code, answer.json()["member"]["email"]) == (201, email)


def test_switch_to_a_stricter_organization_is_continued_and_refresh_goes_on(
    api, front_end, strict, history
):
    email = strict.address("grace")
    other = front_end.create_organization(email, name="Other", slug=f"other-{secrets.token_hex(4)}")
    switched = api.post(
        "/v1/auth/sessions/switch", token=other.token, json={"organization_id": strict.id}
    )
    problem = switched.json()
    app = api.post("/v1/auth/mfa/totp/enroll", json=continue_with(problem)).json()

    answer = api.post(
        "/v1/auth/mfa/totp", json=continue_with(problem, code=compute_code(app["secret"]))
    )
    session = answer.json()
    refreshed = api.post(
        "/v1/auth/sessions/refresh", json={"session_token": session["session_token"]}
    )

    assert (switched.status_code, problem["code"]) == (409, "mfa_required")
    assert (answer.status_code, session["organization"]["slug"]) == (201, strict.slug)
    assert refreshed.status_code == 200
    created = history(strict, "session.created")
    assert created[-1]["actor"]["id"] == session["member"]["id"]


def test_running_session_outlives_a_new_policy(api, sandbox, new_organization):
    sandbox.post(f"/stytch/organizations/{new_organization.slug}", mfa_policy="REQUIRED_FOR_ALL")

    assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 200
