"""Every bad token is a 401 and costs Stytch nothing; keys are kept when Stytch is away."""

import threading
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from identity.errors import InvalidSession
from identity.verification import tokens
from identity.verification.keys import FRESH_SECONDS, PAUSE_SECONDS, KeyRing
from kit.vendors import VendorUnavailable

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
    "another key": {"foreign_key": True},
    "unknown key": {"header": {"kid": "jwk-test-unknown"}},
    "no key": {"header": {"kid": None}},
}


@pytest.fixture
def signed(sandbox, company, at_stytch):
    """A token of the company's viewer, valid but for what is said."""
    member_id = at_stytch(company.viewer.member["id"])
    return lambda **said: sandbox.post("/stytch/tokens", member_id=member_id, **said)["token"]


def test_token_signed_by_stytch_is_good(api, signed):
    assert api.get("/v1/me", token=signed()).status_code == 200


def test_clock_ten_seconds_apart_is_forgiven(api, signed):
    late = {"exp": seconds(-5), "iat": seconds(-300), "nbf": seconds(-300)}

    assert api.get("/v1/me", token=signed(claims=late)).status_code == 200


@pytest.mark.parametrize("fault", BAD)
def test_bad_token_is_refused_without_asking_stytch(api, signed, listening, fault):
    token = signed(**BAD[fault])
    api.get("/v1/me", token=signed())  # the keys are there
    api.get("/v1/me", token=signed(header={"kid": "jwk-test-pause"}))  # and were just asked for
    asked = listening()

    answer = api.get("/v1/me", token=token)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_session")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert asked() == []


@pytest.mark.parametrize(
    "token", ["abc", "a.b.c", "..", "é.é.é", "a" * 8193, "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."]
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


def test_long_token_is_refused_before_it_is_read():
    with pytest.raises(InvalidSession):
        tokens.verify("x" * (tokens.LONGEST + 1))


# ── The ring of keys ─────────────────────────────────────────────────────────────────────────


class Publisher:
    """A directory that publishes keys, or is away; and a clock that stands still."""

    def __init__(self, *kids):
        self.kids, self.asked, self.now, self.is_away = list(kids), 0, 1000.0, False
        public = rsa.generate_private_key(65537, 2048).public_key()
        self._key = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)

    def fetch(self):
        self.asked += 1
        if self.is_away:
            raise VendorUnavailable("stytch")
        return [{**self._key, "kid": kid, "alg": "RS256"} for kid in self.kids]

    def ring(self):
        return KeyRing(self.fetch, clock=lambda: self.now)


def test_keys_are_fetched_once_an_hour():
    publisher = Publisher("one")
    ring = publisher.ring()

    assert ring.find("one")
    assert ring.find("one")
    assert publisher.asked == 1

    publisher.now += FRESH_SECONDS
    assert ring.find("one")
    assert publisher.asked == 2


def test_unknown_key_is_looked_for_at_most_every_half_minute():
    publisher = Publisher("one")
    ring = publisher.ring()
    for _ in range(10):
        assert ring.find("unknown") is None
    assert publisher.asked == 1

    publisher.kids.append("two")
    publisher.now += PAUSE_SECONDS
    assert ring.find("two")
    assert publisher.asked == 2


def test_known_keys_serve_on_while_stytch_is_away():
    publisher = Publisher("one")
    ring = publisher.ring()
    ring.find("one")

    publisher.is_away, publisher.now = True, publisher.now + 10 * FRESH_SECONDS

    assert ring.find("one")
    assert ring.find("one")
    assert publisher.asked == 2  # the second one within the pause


def test_without_any_key_the_answer_is_503_and_the_next_request_tries_again():
    publisher = Publisher("one")
    publisher.is_away = True
    ring = publisher.ring()
    with pytest.raises(VendorUnavailable):
        ring.find("one")

    publisher.is_away = False

    assert ring.find("one")


def test_withdrawn_key_is_forgotten():
    publisher = Publisher("old")
    ring = publisher.ring()
    ring.find("old")
    publisher.kids, publisher.now = ["new"], publisher.now + FRESH_SECONDS

    assert ring.find("new")
    assert ring.find("old") is None


def test_who_knows_the_key_does_not_wait_for_who_is_fetching():
    publisher = Publisher("one")
    ring = publisher.ring()
    ring.find("one")
    publisher.now += FRESH_SECONDS
    started, go_on = threading.Event(), threading.Event()
    fetch = publisher.fetch

    def slowly():
        started.set()
        assert go_on.wait(5)
        return fetch()

    ring._fetch = slowly
    fetching = threading.Thread(target=ring.find, args=["one"])
    fetching.start()
    assert started.wait(5)

    assert ring.find("one")

    go_on.set()
    fetching.join(5)
