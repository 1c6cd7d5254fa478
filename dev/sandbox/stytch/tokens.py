"""Sign session JWTs, publish their keys and verify them.

Tokens always carry real time, so that a verifier on real time accepts a fresh one after the
sandbox's clock was advanced. Sessions, links and invitations expire by the sandbox's clock.
"""

import base64
import hashlib
import hmac
import json
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.clock import get_real_now
from sandbox.store import Document
from sandbox.stytch import factors
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id
from sandbox.world import World

KIND = "stytch.key"
SESSION = "https://stytch.com/session"
ORGANIZATION = "https://stytch.com/organization"
LIFETIME_SECONDS = 300
RESERVED_CLAIMS = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", SESSION, ORGANIZATION}
)


# Keys


@lru_cache(maxsize=16)
def parse_private_key(pem: str) -> rsa.RSAPrivateKey:
    """Parse a private key and cache it."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  for the type checker
    return key


def create_key_pem() -> str:
    """Generate a 2048-bit RSA key."""
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def list_keys(world: World) -> list[Document]:
    """List the published keys, of which the last one signs."""
    return world.store.list_documents(KIND) or [rotate_key(world)]


def rotate_key(world: World) -> Document:
    """Create a new signing key, keep the previous one published and remove older ones."""
    key = {"kid": build_stytch_id("jwk"), "pem": create_key_pem()}
    for old in world.store.list_documents(KIND)[:-1]:
        world.store.delete_document(KIND, old["kid"])
    world.store.put_document(KIND, key["kid"], key)
    return key


def list_public_keys(world: World) -> list[Document]:
    """List the public keys in the format that the SDK's model requires."""
    return [build_public_key(key) for key in list_keys(world)]


def build_public_key(key: Document) -> Document:
    """Build the JSON Web Key of one key."""
    numbers = parse_private_key(key["pem"]).public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "key_ops": ["verify"],
        "alg": "RS256",
        "kid": key["kid"],
        "x5c": [],
        "x5tS256": "",
        "n": encode_base64url(numbers.n.to_bytes(256, "big")),
        "e": "AQAB",
    }


# Tokens


def build_claims(
    world: World, *, session: Document, organization: Document, role_ids: list[str]
) -> Document:
    """Build the claims of a session's token with real time."""
    now = int(get_real_now().timestamp())
    custom = {k: v for k, v in session["custom_claims"].items() if k not in RESERVED_CLAIMS}
    return {
        **custom,
        "iss": f"stytch.com/{world.settings.stytch_project_id}",
        "aud": [world.settings.stytch_project_id],
        "sub": session["member_id"],
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_SECONDS,
        SESSION: {
            "id": session["member_session_id"],
            "started_at": session["started_at"],
            "last_accessed_at": session["last_accessed_at"],
            "expires_at": session["expires_at"],
            "attributes": {"user_agent": "", "ip_address": ""},
            "authentication_factors": [
                shorten_factor(f) for f in session["authentication_factors"]
            ],
            "roles": role_ids,
        },
        ORGANIZATION: {
            "organization_id": organization["organization_id"],
            "slug": organization["organization_slug"],
        },
    }


def shorten_factor(factor: Document) -> Document:
    """Return a factor without its dates, as tokens carry it."""
    shown = factors.render_factor(factor)
    return {k: v for k, v in shown.items() if k not in {"created_at", "updated_at"}}


def sign_token(
    world: World, payload: Document, *, header: Document | None = None, pem: str = ""
) -> str:
    """Sign claims with the current key, or with the header and key of a test."""
    key = list_keys(world)[-1]
    head = {"alg": "RS256", "kid": key["kid"], "typ": "JWT"} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    content = f"{encode_segment(head)}.{encode_segment(payload)}"
    private = parse_private_key(pem or key["pem"])
    return f"{content}.{encode_base64url(compute_signature(private, str(head.get('alg')), content.encode()))}"


def compute_signature(private: rsa.RSAPrivateKey, algorithm: str, content: bytes) -> bytes:
    """Compute a signature, also with wrong algorithms that a verifier must refuse."""
    if algorithm == "none":
        return b""
    if algorithm == "HS256":  # the classic confusion: the public key used as a shared secret
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hmac.digest(public, content, hashlib.sha256)
    return private.sign(content, padding.PKCS1v15(), hashes.SHA256())


def read_token(world: World, token: str) -> Document:
    """Verify a token's signature and return its claims, even after expiry.

    Raises:
        StytchError: the token is malformed, of an unknown key or of another project.
    """
    try:
        head_part, payload_part, signature_part = token.split(".")
        head, payload = (
            json.loads(decode_base64url(head_part)),
            json.loads(decode_base64url(payload_part)),
        )
        key = next(key for key in list_keys(world) if key["kid"] == head["kid"])
        public = parse_private_key(key["pem"]).public_key()
        content = f"{head_part}.{payload_part}".encode()
        public.verify(
            decode_base64url(signature_part), content, padding.PKCS1v15(), hashes.SHA256()
        )
    except (ValueError, KeyError, TypeError, StopIteration, InvalidSignature) as error:
        raise StytchError("unable_to_parse_session_jwt") from error
    check_token_claims(world, payload)
    return dict(payload)


def check_token_claims(world: World, payload: Document) -> None:
    """Refuse claims of another project or without a session."""
    project_id = world.settings.stytch_project_id
    if payload.get("iss") != f"stytch.com/{project_id}":
        raise StytchError("jwt_invalid_issuer")
    audience = payload.get("aud")
    if project_id not in (audience if isinstance(audience, list) else [audience]):
        raise StytchError("jwt_invalid_audience")
    session = payload.get(SESSION)
    if not isinstance(session, dict) or not isinstance(session.get("id"), str):
        raise StytchError("jwt_invalid_claims")


def encode_base64url(raw: bytes) -> str:
    """Encode bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_segment(value: Any) -> str:  # noqa: ANN401  any JSON
    """Encode one part of a token."""
    return encode_base64url(json.dumps(value, separators=(",", ":")).encode())
