"""Stytch's public keys: fetched seldom, one thread at a time, kept when Stytch is away."""

import threading
import time

import jwt
import structlog

from identity import gateway
from kit.errors import Problem
from kit.vendors import VendorNotFound, VendorRejected, VendorUnavailable

log = structlog.get_logger(__name__)

FRESH_SECONDS = 3600  # keys live for months, and both are published for one when they rotate
PAUSE_SECONDS = 30  # between two fetches, whatever tokens come in

_lock = threading.Lock()
_keys: dict[str, jwt.PyJWK] = {}
_fetched_at = float("-inf")
_tried_at = float("-inf")


def find(kid: str) -> jwt.PyJWK | None:
    """The key of that id; None when Stytch does not publish it.

    Raises VendorUnavailable only while no key was ever seen.
    """
    key = _keys.get(kid)
    if key is not None and time.monotonic() - _fetched_at < FRESH_SECONDS:
        return key
    if key is not None and not _lock.acquire(blocking=False):
        return key  # somebody else is fetching; this one has served well so far
    if key is None:
        _lock.acquire()
    try:
        return _find_locked(kid)
    finally:
        _lock.release()


def forget() -> None:
    """Forget all keys, as a new process would."""
    global _fetched_at, _tried_at  # noqa: PLW0603 - the process' one set of keys
    with _lock:
        _keys.clear()
        _fetched_at = _tried_at = float("-inf")


def _find_locked(kid: str) -> jwt.PyJWK | None:
    is_fresh = kid in _keys and time.monotonic() - _fetched_at < FRESH_SECONDS
    if not is_fresh and time.monotonic() - _tried_at >= PAUSE_SECONDS:
        _fetch()
    if not _keys:
        raise VendorUnavailable("stytch")
    return _keys.get(kid)


def _fetch() -> None:
    global _fetched_at, _tried_at  # noqa: PLW0603 - the process' one set of keys
    _tried_at = time.monotonic()
    try:
        published = gateway.stytch().signing_keys()
    except (Problem, VendorRejected, VendorNotFound) as error:
        if not _keys:
            _tried_at = float("-inf")  # nobody can sign in: the next request tries again
        log.warning("signing_keys_not_fetched", error=type(error).__name__, known=len(_keys))
        return
    fetched = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in published if _is_ours(key)}
    if fetched:
        _keys.update(fetched)
        for kid in _keys.keys() - fetched.keys():
            del _keys[kid]
        _fetched_at = time.monotonic()


def _is_ours(key: dict[str, object]) -> bool:
    return key.get("kty") == "RSA" and key.get("alg") == "RS256" and bool(key.get("kid"))
