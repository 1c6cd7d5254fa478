"""Every bad token is a 401 and costs Stytch nothing."""

from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from identity.errors import InvalidSession
from identity.sessions import jwt as sessions_jwt
from tests.harness.plugin import API_URL

SESSION = "https://stytch.com/session"
ORGANIZATION = "https://stytch.com/organization"


def seconds(offset):
    return int((datetime.now(UTC) + timedelta(seconds=offset)).timestamp())


BAD = {
    "expired": {"claims": {"exp": seconds(-60), "iat": seconds(-400), "nbf": seconds(-400)}},
    "not valid yet": {"claims": {"nbf": seconds(3600)}},
    "other audience": {"claims": {"aud": ["project-test-other"]}},
    "other issuer": {"claims": {"iss": "stytch.com/project-test-other"}},
    "no subject": {"claims": {"sub": None}},
    "no expiry": {"claims": {"exp": None}},
    "endless expiry": {"claims": {"exp": "never"}},
    "no session": {"claims": {SESSION: None}},
    "no organization": {"claims": {ORGANIZATION: None}},
    "session of another shape": {"claims": {SESSION: ["x"]}},
    "no audience": {"claims": {"aud": None}},
    "no issuer": {"claims": {"iss": None}},
    "no time of issue": {"claims": {"iat": None}},
    "issued in the future": {"claims": {"iat": seconds(3600)}},
    "endless time of issue": {"claims": {"iat": int("9" * 400)}},
    "no beginning": {"claims": {"nbf": None}},
    "live audience": {"claims": {"aud": ["project-live-00000000-0000-4000-8000-000000000000"]}},
    "live issuer": {
        "claims": {"iss": "stytch.com/project-live-00000000-0000-4000-8000-000000000000"}
    },
    "list of issuers": {"claims": {"iss": ["stytch.com/project-test-other"]}},
    "numeric audience": {"claims": {"aud": 7}},
    "machine to machine": {
        "claims": {"sub": "m2m-client-test-1", SESSION: None, ORGANIZATION: None}
    },
    "numeric subject": {"claims": {"sub": 7}},
    "empty subject": {"claims": {"sub": ""}},
    "subject with NUL": {"claims": {"sub": "member\0"}},
    "numeric organization": {"claims": {ORGANIZATION: {"organization_id": 7}}},
    "organization of another shape": {"claims": {ORGANIZATION: "acme"}},
    "numeric session": {"claims": {SESSION: {"id": 7, "expires_at": "2099-01-01T00:00:00Z"}}},
    "session that ends never": {"claims": {SESSION: {"id": "x", "expires_at": "never"}}},
    "factors of another shape": {
        "claims": {
            SESSION: {
                "id": "x",
                "expires_at": "2099-01-01T00:00:00Z",
                "authentication_factors": ["magic_link"],
            }
        }
    },
    "endless beginning": {"claims": {"nbf": "x"}},
    "another key": {"foreign_key": True},
    "key of its own": {
        "foreign_key": True,
        "header": {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
    },
    "keys elsewhere": {"foreign_key": True, "header": {"jku": "http://127.0.0.1:1/keys"}},
    "certificate elsewhere": {"foreign_key": True, "header": {"x5u": "http://127.0.0.1:1/cert"}},
    "critical extension": {"header": {"crit": ["exp2"], "exp2": 1}},
    "unencoded payload": {"header": {"crit": ["b64"], "b64": False}},
    # Issued before the last fetch, so that the key it names would be known.
    "unknown key": {"header": {"kid": "jwk-test-unknown"}, "claims": {"iat": seconds(-90)}},
    "key of a file": {"header": {"kid": "../../../../dev/null"}},
    "key of a query": {"header": {"kid": "' OR 1=1 --"}},
    "key of a thousand characters": {"header": {"kid": "k" * 1000}},
    "empty key": {"header": {"kid": ""}},
    "numeric key": {"header": {"kid": 7}},
    "key of another shape": {"header": {"kid": {"a": 1}}},
    "no key": {"header": {"kid": None}},
    "unsigned": {"header": {"alg": "none"}},
    "Unsigned": {"header": {"alg": "None"}},
    "UNSIGNED": {"header": {"alg": "NONE"}},
    "uNsIgNeD": {"header": {"alg": "nOnE"}},
    "public key as a secret": {"header": {"alg": "HS256"}},
    "longer digest": {"header": {"alg": "RS512"}},
}


@pytest.fixture
def signed(sandbox, acme, at_stytch):
    """A token of the organization's viewer, valid but for what is said."""
    member_id = at_stytch(acme.viewer.member["id"])
    return lambda **said: sandbox.post("/stytch/tokens", member_id=member_id, **said)["token"]


def test_token_signed_by_stytch_is_good(api, signed):
    assert api.get("/v1/me", token=signed()).status_code == 200


def test_clock_ten_seconds_apart_is_forgiven(api, signed):
    late = {"exp": seconds(-5), "iat": seconds(-300), "nbf": seconds(-300)}

    assert api.get("/v1/me", token=signed(claims=late)).status_code == 200


@pytest.mark.parametrize("fault", BAD)
def test_bad_token_is_refused_without_asking_stytch(api, signed, count_stytch_calls, fault):
    token = signed(**BAD[fault])
    api.get("/v1/me", token=signed())  # the keys are there
    api.get("/v1/me", token=signed(header={"kid": "jwk-test-pause"}))  # and were just asked for
    asked = count_stytch_calls()

    answer = api.get("/v1/me", token=token)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_session")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert asked() == []


@pytest.mark.parametrize(
    "token",
    [
        "abc",
        "a.b.c",
        "..",
        "é.é.é",
        "a" * 8193,
        "a" * 65536,
        "e30.e30.e30",
        "eyJhbGciOiJub25lIn0.e30.",
    ],
)
def test_text_that_is_no_token_is_refused(api, token):
    headers = {"Authorization": f"Bearer {token}".encode()}

    assert api.get("/v1/me", headers=headers).status_code == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Token x"])
def test_other_schemes_are_refused(api, header):
    assert api.get("/v1/me", headers={"Authorization": header}).status_code == 401


def test_scheme_is_read_in_any_case(api, acme):
    headers = {"Authorization": f"bEARER {acme.viewer.token}"}

    assert api.get("/v1/me", headers=headers).status_code == 200


def test_unsigned_and_symmetric_tokens_are_refused(api, signed):
    good = signed()
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "", algorithm="none", headers={"kid": header["kid"]}),
        jwt.encode(claims, "k" * 64, algorithm="HS256", headers={"kid": header["kid"]}),
    ]

    for token in forged:
        assert api.get("/v1/me", token=token).status_code == 401


@pytest.mark.parametrize("pair", [("{good}", "x"), ("x", "{good}"), ("{good}", "{good}")])
def test_two_bearer_tokens_are_unauthorized(api, acme, pair):
    good = acme.viewer.token
    headers = [("Authorization", f"Bearer {each.format(good=good)}") for each in pair]

    assert httpx.get(f"{API_URL}/v1/me", headers=headers).status_code == 401


def test_long_token_is_refused_before_it_is_read():
    with pytest.raises(InvalidSession):
        sessions_jwt.verify_token("x" * (sessions_jwt.MAX_TOKEN_BYTES + 1))
