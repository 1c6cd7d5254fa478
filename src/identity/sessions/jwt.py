"""Verify a session JWT and return its claims, without the database."""

import base64
import binascii
import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings

from identity.directories.types import Proof
from identity.errors import InvalidSession
from identity.sessions.jwks import CLOCK_SKEW_SECONDS, ring
from kit.timestamps import parse_timestamp

MAX_TOKEN_BYTES = 8 * 1024
LEEWAY_SECONDS = CLOCK_SKEW_SECONDS
MAX_CACHED_TOKENS = 4096

_SESSION_CLAIM = "https://stytch.com/session"
_ORGANIZATION_CLAIM = "https://stytch.com/organization"
# Looser than Stytch's own form, `jwk-test-<uuid>`; a path or a query is none of these.
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VERIFY_OPTIONS: Any = {"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid token claims.

    Its roles are left out, because the local member row decides.
    """

    stytch_member_id: str
    stytch_org_id: str
    session_id: str
    session_started_at: datetime
    session_expires_at: datetime
    expires_at: float
    proof: Proof


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
    try:
        kid, issued_at = _read_key_id(token)
        key = ring.find_key(kid, issued_at=issued_at)
        if key is None:
            raise InvalidSession
        return _read_claims(_decode_token(token, key))
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


def _read_key_id(token: str) -> tuple[str, float]:
    """Return the key id and time of issue of a plausible token.

    An implausible token is refused before its key is looked for, so that it never costs a fetch.
    """
    header, payload, _ = (_decode_part(part) for part in token.split("."))
    if header.get("alg") != "RS256" or payload.get("iss") != _get_issuer():
        raise InvalidSession
    now = time.time()
    issued_at = float(payload["iat"])
    if not (payload["exp"] + LEEWAY_SECONDS > now and issued_at - LEEWAY_SECONDS <= now):
        raise InvalidSession
    kid = header["kid"]
    if not (isinstance(kid, str) and _KEY_ID.fullmatch(kid)):
        raise InvalidSession
    return kid, issued_at


def _decode_part(text: str) -> dict[str, Any]:
    try:
        read = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return {}  # the signature is no JSON
    return read if isinstance(read, dict) else {}


def _decode_token(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=settings.STYTCH_PROJECT_ID,
        issuer=_get_issuer(),
        leeway=LEEWAY_SECONDS,
        options=_VERIFY_OPTIONS,
    )


def _read_claims(payload: dict[str, Any]) -> Claims:
    session = payload[_SESSION_CLAIM]
    return Claims(
        stytch_member_id=_require_text(payload["sub"]),
        stytch_org_id=_require_text(payload[_ORGANIZATION_CLAIM]["organization_id"]),
        session_id=_require_text(session["id"]),
        session_started_at=parse_timestamp(session["started_at"]),
        session_expires_at=parse_timestamp(session["expires_at"]),
        expires_at=float(payload["exp"]),
        proof=Proof.from_factors(session.get("authentication_factors") or ()),
    )


def _require_text(value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidSession
    return value


def _get_issuer() -> str:
    return f"stytch.com/{settings.STYTCH_PROJECT_ID}"
