"""Keep the directory's public keys in memory, and decide what an unknown key id means."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import structlog

from identity.sessions import signing_keys
from kit.errors import Problem, Unavailable
from kit.outbound import VendorNotFound, VendorRejected

log = structlog.get_logger(__name__)

type Document = dict[str, Any]

KEYS_FRESH_SECONDS: Final = (
    3600  # keys live for months, and when they rotate both are published for one
)
MIN_FETCH_INTERVAL_SECONDS: Final = (
    30  # between two fetches of a process, regardless of incoming tokens
)
MIN_EMPTY_FETCH_INTERVAL_SECONDS: Final = 5  # while no key is known and no session can be checked
MIN_LOAD_INTERVAL_SECONDS: Final = 1  # between two reads of the stored keys
MAX_WAIT_SECONDS: Final = 1.0  # for another thread that fetches; later callers get 503
MAX_UNKNOWN_KEY_IDS: Final = 1024
# Between the clock that set a token's `iat` and ours, and among the clocks of our own hosts.
CLOCK_SKEW_SECONDS: Final = 10
NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys the directory published, and when they were asked for."""

    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = NEVER

    @classmethod
    def parse(cls, documents: Sequence[Document], fetched_at: float) -> "KeySet":
        """Build a key set from JSON Web Keys, leaving out those that cannot verify our tokens."""
        usable = signing_keys.select_usable_keys(documents)
        keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in usable}
        return cls(keys, fetched_at)


class KeyRing:
    """The keys of this process.

    They come from the table of stored keys, which survives restarts, or from the directory.
    """

    def __init__(
        self,
        fetch: Callable[[], list[Document]],
        load: Callable[[], tuple[list[Document], float] | None],
        report: Callable[[list[Document]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._load = load
        self._report = report
        self._clock = clock
        self._lock = threading.Lock()
        self._set = KeySet()
        self._first_seen_at: OrderedDict[str, float] = OrderedDict()
        self._tried_at = self._loaded_at = NEVER

    def find_key(self, kid: str, *, issued_at: float) -> jwt.PyJWK | None:
        """Return the key with this id, or None when the directory does not publish it.

        `issued_at` is the time the token claims to have been issued. Raises Unavailable while the
        id may belong to a key published after the last fetch.
        """
        known = self._set.keys.get(kid)
        if known is not None and self._is_fresh():
            return known
        if known is None and self._is_unpublished(kid, issued_at):
            return None
        received_at = self._clock()
        # A known key does not wait for the thread that is fetching.
        is_ours = self._lock.acquire(timeout=0 if known else MAX_WAIT_SECONDS)
        if is_ours:
            try:
                self._remember_unknown(kid, received_at)
                self._renew(kid, issued_at)
            finally:
                self._lock.release()
        return known if known and not is_ours else self._decide(kid, issued_at)

    def _decide(self, kid: str, issued_at: float) -> jwt.PyJWK | None:
        key = self._set.keys.get(kid)
        if key is None and not self._is_unpublished(kid, issued_at):
            raise Unavailable(
                "The session cannot be checked until the signing keys are fetched. Keep it.",
                retry_after=self._seconds_to_next_fetch(),
            )
        return key

    def _renew(self, kid: str, issued_at: float) -> None:
        """Load the stored keys, and fetch the published ones where those do not answer."""
        if self._is_settled(kid, issued_at):
            return
        if not 0 <= self._clock() - self._loaded_at < MIN_LOAD_INTERVAL_SECONDS:
            self._adopt_stored()
        if not self._is_settled(kid, issued_at) and self._may_fetch():
            self._adopt_published()

    def _is_settled(self, kid: str, issued_at: float) -> bool:
        if kid in self._set.keys:
            return self._is_fresh()
        return self._is_unpublished(kid, issued_at)

    def _is_fresh(self) -> bool:
        return 0 <= self._clock() - self._set.fetched_at < KEYS_FRESH_SECONDS

    def _is_unpublished(self, kid: str, issued_at: float) -> bool:
        """Return whether the keys were fetched after a token with this unknown key id existed.

        A key is published before it signs, so such a token is not genuine.
        """
        if not self._set.keys or self._set.fetched_at > self._clock():
            return False
        existed_at = min(self._first_seen_at.get(kid, float("inf")), issued_at + CLOCK_SKEW_SECONDS)
        return self._set.fetched_at >= existed_at

    def _remember_unknown(self, kid: str, received_at: float) -> None:
        if kid in self._set.keys:
            return
        self._first_seen_at.setdefault(kid, received_at)
        while len(self._first_seen_at) > MAX_UNKNOWN_KEY_IDS:
            self._first_seen_at.popitem(last=False)

    def _may_fetch(self) -> bool:
        return not 0 <= self._clock() - self._tried_at < self._get_fetch_interval()

    def _get_fetch_interval(self) -> int:
        return MIN_FETCH_INTERVAL_SECONDS if self._set.keys else MIN_EMPTY_FETCH_INTERVAL_SECONDS

    def _seconds_to_next_fetch(self) -> int:
        left = self._tried_at + self._get_fetch_interval() - self._clock()
        return max(1, min(int(left) + 1, self._get_fetch_interval()))

    def _adopt_stored(self) -> None:
        self._loaded_at = self._clock()
        stored = self._load()
        if stored is None:
            return
        documents, fetched_at = stored
        # The time was taken by the clock of the host that fetched them.
        loaded = KeySet.parse(documents, fetched_at - CLOCK_SKEW_SECONDS)
        if loaded.fetched_at > self._set.fetched_at:
            self._set = loaded
        elif fetched_at > self._set.fetched_at:  # which set is newer depends on two clocks
            self._set = KeySet({**loaded.keys, **self._set.keys}, self._set.fetched_at)

    def _adopt_published(self) -> None:
        self._tried_at = self._clock()
        try:
            documents = self._fetch()
        except (Problem, VendorRejected, VendorNotFound) as error:
            known = len(self._set.keys)
            log.warning("signing_keys_not_fetched", error=type(error).__name__, known=known)
            return
        published = KeySet.parse(documents, self._tried_at)
        if not published.keys:
            log.error("signing_keys_unusable", published=len(documents))
            return
        self._set = published
        self._report(documents)


ring = KeyRing(
    signing_keys.fetch_published_keys,
    signing_keys.load_stored_keys,
    signing_keys.report_published_keys,
)
