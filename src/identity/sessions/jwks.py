"""Stytch's public keys, fetched by one thread at a time and kept while Stytch is away."""

import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import structlog

from identity import directories
from kit.errors import Problem
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable

log = structlog.get_logger(__name__)

KEYS_FRESH_SECONDS = 3600  # keys live for months, and when they rotate both are published for one
MIN_FETCH_INTERVAL_SECONDS = 30  # between two fetches, regardless of incoming tokens
NEVER_FETCHED = float("-inf")


class KeyRing:
    """The keys of this process."""

    def __init__(
        self, fetch: Callable[[], list[dict[str, Any]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = NEVER_FETCHED

    def find(self, kid: str) -> jwt.PyJWK | None:
        """Return the key of that id, or None when Stytch does not publish it.

        Raises VendorUnavailable only while no key was ever seen.
        """
        known = self._keys.get(kid)
        if known is not None and self._is_fresh():
            return known
        # Who knows the key need not wait for the one who is fetching.
        if not self._lock.acquire(blocking=known is None):
            return known
        try:
            return self._find_alone(kid)
        finally:
            self._lock.release()

    def _find_alone(self, kid: str) -> jwt.PyJWK | None:
        is_settled = kid in self._keys and self._is_fresh()
        if not is_settled and self._clock() - self._tried_at >= MIN_FETCH_INTERVAL_SECONDS:
            self._renew()
        if not self._keys:
            raise VendorUnavailable("stytch")
        return self._keys.get(kid)

    def _is_fresh(self) -> bool:
        return self._clock() - self._fetched_at < KEYS_FRESH_SECONDS

    def _renew(self) -> None:
        self._tried_at = self._clock()
        try:
            published = self._fetch()
        except (Problem, VendorRejected, VendorNotFound) as error:
            log.warning(
                "signing_keys_not_fetched", error=type(error).__name__, known=len(self._keys)
            )
            published = []
        keys = {
            key["kid"]: jwt.PyJWK(key, algorithm="RS256")
            for key in published
            if _is_usable_key(key)
        }
        if keys:
            self._keys, self._fetched_at = keys, self._clock()
        elif not self._keys:
            self._tried_at = NEVER_FETCHED  # no one can sign in: the next request tries again


def _is_usable_key(key: dict[str, Any]) -> bool:
    return key.get("kty") == "RSA" and key.get("alg") == "RS256" and bool(key.get("kid"))


ring = KeyRing(lambda: directories.get_directory().fetch_signing_keys())
