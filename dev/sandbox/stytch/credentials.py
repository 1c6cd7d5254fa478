"""Create and consume the links, codes and intermediate sessions that prove an address."""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta

from sandbox.store import Document
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import create_token, format_stytch_time, parse_instant
from sandbox.world import World

LINK = "stytch.link"
CODE = "stytch.code"
INTERMEDIATE = "stytch.intermediate_session"
INTERMEDIATE_MINUTES = 10


# Links


def create_link_token(world: World, *, purpose: str, minutes: int, **details: object) -> Document:
    """Create a link's token for the purpose `discovery` or `member`."""
    link = {"token": create_token(), "purpose": purpose, "used": False, **details}
    link["expires_at"] = get_expiry(world, minutes)
    world.store.put_document(LINK, str(link["token"]), link)
    return link


def use_link_token(world: World, token: str, *, purpose: str, verifier: str | None) -> Document:
    """Mark a link as used and return it.

    Raises:
        StytchError: the link is unknown, of another purpose, used or expired, or the PKCE
            verifier does not match its challenge.
    """
    link = world.store.find_document(LINK, token)
    if link is None or link["purpose"] != purpose:
        raise StytchError("magic_link_not_found")
    if link["used"] or has_expired(world, link):
        raise StytchError("unable_to_auth_magic_link")
    if (challenge := link.get("challenge")) and compute_challenge(verifier or "") != challenge:
        raise StytchError("pkce_mismatch")
    world.store.put_document(LINK, token, link | {"used": True})
    return link


def is_link_used(world: World, token: str) -> bool:
    """Return whether a link was used."""
    link = world.store.find_document(LINK, token)
    return link is not None and bool(link["used"])


def compute_challenge(verifier: str) -> str:
    """Compute the PKCE challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


# Codes


def create_code(world: World, *, place: str, email: str, minutes: int) -> Document:
    """Create a six-digit code that replaces the previous one."""
    code = {"code": f"{secrets.randbelow(1_000_000):06}", "used": False}
    code["expires_at"] = get_expiry(world, minutes)
    world.store.put_document(CODE, f"{place}/{email}", code)
    return code


def use_mailed_code(world: World, code: str, *, place: str, email: str) -> None:
    """Mark a code as used.

    Raises:
        StytchError: the code is wrong, used or expired.
    """
    sent = world.store.find_document(CODE, f"{place}/{email}")
    if sent is None or not hmac.compare_digest(sent["code"].encode(), code.encode()):
        raise StytchError("otp_code_not_found")
    if sent["used"] or has_expired(world, sent):
        raise StytchError("unable_to_auth_otp_code")
    world.store.put_document(CODE, f"{place}/{email}", sent | {"used": True})


# Intermediate sessions


def create_intermediate_session(world: World, *, email: str, factors: list[Document]) -> Document:
    """Start the session of a proven address that has no organization yet."""
    session = {"token": create_token(), "email": email, "factors": factors}
    session["expires_at"] = get_expiry(world, INTERMEDIATE_MINUTES)
    world.store.put_document(INTERMEDIATE, str(session["token"]), session)
    return session


def get_intermediate_session(world: World, token: str) -> Document:
    """Return an intermediate session without ending it."""
    session = world.store.find_document(INTERMEDIATE, token)
    if session is None or has_expired(world, session):
        raise StytchError("intermediate_session_not_found")
    return session


def set_factors(world: World, session: Document, factors: list[Document]) -> Document:
    """Replace the factors of an intermediate session."""
    held = session | {"factors": factors}
    world.store.put_document(INTERMEDIATE, session["token"], held)
    return held


def end_intermediate_session(world: World, session: Document) -> None:
    """End an intermediate session that was exchanged for a member session."""
    world.store.delete_document(INTERMEDIATE, session["token"])


# Ends


def get_expiry(world: World, minutes: int) -> str:
    """Compute when something created now expires."""
    return format_stytch_time(world.clock.now() + timedelta(minutes=minutes))


def has_expired(world: World, document: Document) -> bool:
    """Return whether a document has expired by the sandbox's clock."""
    return parse_instant(document["expires_at"]) <= world.clock.now()
