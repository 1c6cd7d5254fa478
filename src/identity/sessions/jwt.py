"""Verify a session JWT and return its claims, without the database."""

import base64
import binascii
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt

from identity import directories
from identity.directories.types import Claims, TokenRules
from identity.errors import InvalidSession
from identity.sessions.jwks import CLOCK_SKEW_SECONDS, ring

MAX_TOKEN_BYTES = 8 * 1024
LEEWAY_SECONDS = CLOCK_SKEW_SECONDS
MAX_CACHED_TOKENS = 4096

_VERIFY_OPTIONS: Any = {"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]}


_cached_claims: OrderedDict[bytes, Claims] = OrderedDict()
_lock = threading.Lock()


def verify_token(token: str) -> Claims:
    """Return the claims of a genuine, unexpired token of our project.

    A repeat costs a hash: what was verified once stays verified until it expires. Revocation and
    the member's status are for the caller to check, every time. Raises InvalidSession for anything
    else, and Unavailable while the token's key id may be one that was published since the last
    fetch, so that a genuine session is never called invalid.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise InvalidSession
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
    known = _cached_claims.get(digest)
    if known is not None and time.time() < known.expires_at + LEEWAY_SECONDS:
        return known
    claims = _verify_uncached(token)
    _cache_claims(digest, claims)
    return claims


def _cache_claims(digest: bytes, claims: Claims) -> None:
    with _lock:
        _cached_claims[digest] = claims
        _cached_claims.move_to_end(digest)
        while len(_cached_claims) > MAX_CACHED_TOKENS:
            _cached_claims.popitem(last=False)


def _verify_uncached(token: str) -> Claims:
    rules = directories.get_directory().token_rules
    with _refuse_malformed():
        kid, issued_at = _read_key_id(token, rules)
    key = ring.find_key(kid, issued_at=issued_at)
    if key is None:
        raise InvalidSession
    with _refuse_malformed():
        return rules.read_claims(_decode_token(token, key, rules))


@contextmanager
def _refuse_malformed() -> Iterator[None]:
    """Raise InvalidSession for what reading a token of another shape raises."""
    try:
        yield
    except (
        jwt.PyJWTError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ):
        raise InvalidSession from None


def _read_key_id(token: str, rules: TokenRules) -> tuple[str, float]:
    """Return the key id and time of issue of a plausible token.

    An implausible token is refused before its key is looked for, so that it never costs a fetch.
    """
    header, payload, _ = (_decode_part(part) for part in token.split("."))
    if header.get("alg") != "RS256" or payload.get("iss") != rules.issuer:
        raise InvalidSession
    now = time.time()
    issued_at = float(payload["iat"])
    if not (payload["exp"] + LEEWAY_SECONDS > now and issued_at - LEEWAY_SECONDS <= now):
        raise InvalidSession
    kid = header["kid"]
    if not (isinstance(kid, str) and rules.key_id.fullmatch(kid)):
        raise InvalidSession
    return kid, issued_at


def _decode_part(text: str) -> dict[str, Any]:
    try:
        read = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return {}  # the signature is no JSON
    return read if isinstance(read, dict) else {}


def _decode_token(token: str, key: jwt.PyJWK, rules: TokenRules) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=rules.audience,
        issuer=rules.issuer,
        leeway=LEEWAY_SECONDS,
        options=_VERIFY_OPTIONS,
    )
