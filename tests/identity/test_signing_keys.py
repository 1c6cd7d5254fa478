"""Genuine tokens are accepted while Stytch is away, after a restart and after a rotation of its keys."""

import threading
from datetime import timedelta

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.utils import timezone

from identity.models import SigningKeySet
from identity.sessions import signing_keys
from identity.sessions.jwks import (
    CLOCK_SKEW_SECONDS,
    KEYS_FRESH_SECONDS,
    MAX_UNKNOWN_KEY_IDS,
    MIN_EMPTY_FETCH_INTERVAL_SECONDS,
    MIN_FETCH_INTERVAL_SECONDS,
    MIN_LOAD_INTERVAL_SECONDS,
    KeyRing,
)
from identity.sessions.signing_keys import select_usable_keys
from kit.errors import Unavailable
from kit.outbound import VendorUnavailable
from tests.harness.stack import poll

JWKS_PATH = "/v1/b2b/sessions/jwks"
PUBLIC_KEY = jwt.algorithms.RSAAlgorithm.to_jwk(
    rsa.generate_private_key(65537, 2048).public_key(), as_dict=True
)


class Publisher:
    """A directory that publishes keys, or is away, a table of stored keys, and a clock."""

    def __init__(self, *kids):
        self.kids, self.fetches, self.now, self.is_away = list(kids), 0, 1_000_000.0, False
        self.stored, self.reported = None, []

    def documents(self, *kids):
        return [{**PUBLIC_KEY, "kid": kid, "alg": "RS256"} for kid in kids]

    def store(self, *kids, fetched_at):
        self.stored = (self.documents(*kids), fetched_at)

    def fetch(self):
        self.fetches += 1
        if self.is_away:
            raise VendorUnavailable("stytch")
        return self.documents(*self.kids)

    def ring(self):
        return KeyRing(self.fetch, lambda: self.stored, self.reported.append, lambda: self.now)

    def find(self, ring, kid):
        """Look up the key of a token issued now."""
        return ring.find_key(kid, issued_at=float(int(self.now)))


@pytest.fixture
def publisher():
    return Publisher("one")


# ── Fetching and freshness ───────────────────────────────────────────────────────────────────


def test_keys_are_fetched_once_an_hour(publisher):
    ring = publisher.ring()

    assert publisher.find(ring, "one")
    assert publisher.find(ring, "one")
    assert publisher.fetches == 1

    publisher.now += KEYS_FRESH_SECONDS
    assert publisher.find(ring, "one")
    assert publisher.fetches == 2


def test_known_keys_are_accepted_while_stytch_is_away_for_hours(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")

    publisher.is_away, publisher.now = True, publisher.now + 10 * KEYS_FRESH_SECONDS

    assert publisher.find(ring, "one")
    assert publisher.find(ring, "one")
    assert publisher.fetches == 2  # the second try failed, and the third is not due


def test_stored_keys_are_used_without_asking_stytch(publisher):
    publisher.store("one", fetched_at=publisher.now - 60)

    assert publisher.find(publisher.ring(), "one")
    assert publisher.fetches == 0


def test_new_process_accepts_old_stored_keys_while_stytch_is_away(publisher):
    publisher.is_away = True
    publisher.store("one", fetched_at=publisher.now - 10 * KEYS_FRESH_SECONDS)
    ring = publisher.ring()

    assert publisher.find(ring, "one")

    with pytest.raises(Unavailable):
        publisher.find(ring, "two")


def test_without_any_key_the_answer_is_503_until_the_next_fetch_is_due(publisher):
    publisher.is_away = True
    ring = publisher.ring()
    for _ in range(3):
        with pytest.raises(Unavailable) as refused:
            publisher.find(ring, "one")
    assert publisher.fetches == 1
    assert int(refused.value.headers["Retry-After"]) <= MIN_EMPTY_FETCH_INTERVAL_SECONDS

    publisher.is_away = False
    publisher.now += MIN_EMPTY_FETCH_INTERVAL_SECONDS

    assert publisher.find(ring, "one")


def test_withdrawn_key_is_refused(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.kids, publisher.now = ["new"], publisher.now + KEYS_FRESH_SECONDS

    assert publisher.find(ring, "new")
    assert publisher.find(ring, "one") is None


def test_answer_without_a_usable_key_keeps_the_known_ones(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.kids, publisher.now = [], publisher.now + KEYS_FRESH_SECONDS

    assert publisher.find(ring, "one")


def test_unreadable_and_symmetric_keys_are_left_out(publisher):
    good, *_ = publisher.documents("good")
    bad = [
        {**good, "kid": ""},
        {**good, "alg": "RS512"},
        {**good, "n": 7},
        {"kty": "oct", "k": "AQAB", "alg": "RS256", "kid": "secret"},
    ]

    assert select_usable_keys([*bad, good]) == [good]


def test_thread_with_a_known_key_does_not_wait_for_the_one_that_fetches(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += KEYS_FRESH_SECONDS
    started, go_on = threading.Event(), threading.Event()
    fetch = publisher.fetch

    def fetch_slowly():
        started.set()
        assert go_on.wait(30)
        return fetch()

    ring._fetch = fetch_slowly
    fetching = threading.Thread(target=publisher.find, args=[ring, "one"])
    fetching.start()
    assert started.wait(30)

    assert publisher.find(ring, "one")

    go_on.set()
    fetching.join(30)


# ── Unknown key ids ──────────────────────────────────────────────────────────────────────────


def test_unknown_key_that_stytch_does_not_publish_is_refused_after_one_fetch(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += MIN_FETCH_INTERVAL_SECONDS

    for _ in range(10):
        assert publisher.find(ring, "unknown") is None

    assert publisher.fetches == 2


def test_key_rotated_after_noise_is_never_called_invalid(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += MIN_FETCH_INTERVAL_SECONDS
    publisher.find(ring, "noise")
    publisher.now += 1
    publisher.kids.append("two")

    with pytest.raises(Unavailable) as refused:
        publisher.find(ring, "two")

    wait = int(refused.value.headers["Retry-After"])
    assert wait <= MIN_FETCH_INTERVAL_SECONDS
    publisher.now += wait
    assert publisher.find(ring, "two")


def test_continuous_noise_delays_a_new_key_by_one_interval_and_fetches_once_each(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.kids.append("two")
    answers = []
    for second in range(1, 61):
        publisher.now += 1
        try:
            ring.find_key(f"noise-{second}", issued_at=publisher.now)
            answers.append(publisher.find(ring, "two"))
        except Unavailable:
            answers.append(None)

    first = next(number for number, answer in enumerate(answers) if answer)
    assert first < MIN_FETCH_INTERVAL_SECONDS
    assert publisher.fetches <= 3


def test_unknown_key_during_an_outage_is_503_and_each_try_is_counted(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.is_away = True
    for _ in range(MIN_FETCH_INTERVAL_SECONDS * 2):
        publisher.now += 1
        with pytest.raises(Unavailable):
            publisher.find(ring, "two")

    assert publisher.fetches == 1 + 2


def test_token_older_than_the_last_fetch_needs_no_fetch(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += MIN_FETCH_INTERVAL_SECONDS

    old = publisher.now - MIN_FETCH_INTERVAL_SECONDS - CLOCK_SKEW_SECONDS

    assert ring.find_key("unknown", issued_at=old) is None
    assert publisher.fetches == 1


def test_key_that_another_process_stored_is_found_between_two_fetches(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += MIN_LOAD_INTERVAL_SECONDS
    publisher.store("one", "two", fetched_at=publisher.now)

    assert publisher.find(ring, "two")
    assert publisher.fetches == 1


def test_stored_keys_of_the_same_moment_take_no_fetched_key_away(publisher):
    publisher.kids = ["one", "two"]
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now += MIN_LOAD_INTERVAL_SECONDS
    publisher.store("one", fetched_at=publisher.now)
    with pytest.raises(Unavailable):
        publisher.find(ring, "three")

    assert publisher.find(ring, "two")


def test_memory_of_unknown_key_ids_is_bounded(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.is_away, publisher.now = True, publisher.now + 1
    for number in range(MAX_UNKNOWN_KEY_IDS + 10):
        with pytest.raises(Unavailable):
            publisher.find(ring, f"unknown-{number}")

    assert len(ring._first_seen_at) == MAX_UNKNOWN_KEY_IDS


def test_clock_set_back_does_not_stop_fetches(publisher):
    ring = publisher.ring()
    publisher.find(ring, "one")
    publisher.now -= 3600
    publisher.kids.append("two")

    assert publisher.find(ring, "two")


# ── The table of stored keys ─────────────────────────────────────────────────────────────────


@pytest.fixture
def signed(sandbox, acme, at_stytch):
    """Return a function that signs a token of the organization's viewer."""
    member_id = at_stytch(acme.viewer.member["id"])
    return lambda **said: sandbox.post("/stytch/tokens", member_id=member_id, **said)["token"]


@pytest.fixture
def restart_web(stack, sandbox):
    """Return a function that restarts the web process, which is restarted once more afterwards."""
    yield stack.restart_web
    sandbox.delete("/faults")
    stack.restart_web()


def test_web_role_may_read_the_stored_keys_and_not_change_them(stack, committed):
    signing_keys.refresh_stored_keys()
    database = settings.DATABASES["default"]
    url = {"host": database["HOST"], "port": database["PORT"], "dbname": database["NAME"]}
    with psycopg.connect(user=settings.DATABASE_WEB_ROLE, autocommit=True, **url) as web:
        assert web.execute("SELECT count(*) FROM identity_signingkeyset").fetchone() == (1,)
        for change in (
            "UPDATE identity_signingkeyset SET keys = '[]'",
            "DELETE FROM identity_signingkeyset",
            "INSERT INTO identity_signingkeyset VALUES ('x', '[]', now())",
            "TRUNCATE identity_signingkeyset",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(change)


def test_refresh_during_an_outage_keeps_the_stored_keys(sandbox, committed):
    signing_keys.refresh_stored_keys()
    before = SigningKeySet.objects.values().get()
    sandbox.post("/faults", vendor="stytch", path=JWKS_PATH, status=503, times=10)

    signing_keys.refresh_stored_keys()

    assert SigningKeySet.objects.values().get() == before


def test_process_started_while_stytch_is_away_accepts_genuine_tokens(
    api, sandbox, signed, committed, restart_web
):
    signing_keys.refresh_stored_keys()
    hours_ago = timezone.now() - timedelta(seconds=3 * KEYS_FRESH_SECONDS)
    SigningKeySet.objects.update(fetched_at=hours_ago)
    sandbox.post("/faults", vendor="stytch", path="/", status=503, times=10_000)
    restart_web()

    genuine = api.get("/v1/me", token=signed())
    forged = api.get("/v1/me", token=signed(foreign_key=True))
    unknown = api.get("/v1/me", token=signed(header={"kid": "jwk-test-rotated"}))

    assert genuine.status_code == 200
    assert (forged.status_code, forged.json()["code"]) == (401, "invalid_session")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "unavailable")
    assert 1 <= int(unknown.headers["Retry-After"]) <= MIN_FETCH_INTERVAL_SECONDS


def test_rotated_key_is_accepted_after_noise_and_never_answered_401(
    api, sandbox, signed, committed
):
    for number in range(3):
        api.get("/v1/me", token=signed(header={"kid": f"jwk-test-noise-{number}"}))
    before = signed()
    sandbox.post("/stytch/keys/rotate")
    token = signed()
    answers = [api.get("/v1/me", token=token).status_code]

    signing_keys.refresh_stored_keys()  # what the worker does when another process reports the key

    def ask():
        answers.append(api.get("/v1/me", token=token).status_code)
        return answers[-1] == 200

    poll(ask, every=0.1, seconds=10, what="the rotated key")
    assert set(answers) == {200, 503} or set(answers) == {200}
    assert api.get("/v1/me", token=before).status_code == 200
