"""Keep the sign-ins that a browser started at an identity provider, and the tokens they end with."""

from urllib.parse import urlsplit

from sandbox.store import Document
from sandbox.stytch import credentials
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import add_query, create_token
from sandbox.world import World

START = "stytch.provider_start"
TOKEN = "stytch.provider_token"  # noqa: S105  the name of an index
START_MINUTES = 10
TOKEN_MINUTES = 5
ERROR_BY_TYPE = {
    "discovery_oauth": "oauth_token_not_found",
    "oauth": "oauth_token_not_found",
    "sso": "sso_token_not_found",
}


def create_start(
    world: World, *, token_type: str, redirect_url: str, **details: object
) -> Document:
    """Store the start of a sign-in until its person comes back from the provider."""
    check_redirect_url(redirect_url)
    start: Document = {"id": create_token(), "token_type": token_type, **details}
    start |= {
        "redirect_url": redirect_url,
        "expires_at": credentials.get_expiry(world, START_MINUTES),
    }
    world.store.put_document(START, str(start["id"]), start)
    return start


def check_redirect_url(url: str) -> None:
    """Refuse what is no absolute URL of a web page."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StytchError("invalid_url")


def check_public_token(world: World, token: str) -> None:
    """Refuse the public token of another project.

    https://stytch.com/docs/api-reference/b2b/api/oauth/discovery/start-google (`public_token`)
    """
    if not token:
        raise StytchError("public_token_required")
    if token != world.settings.stytch_public_token:
        raise StytchError("public_token_not_found")


def find_start(world: World, id_: str) -> Document | None:
    """Return a start that has not expired."""
    start = world.store.find_document(START, id_)
    return None if start is None or credentials.has_expired(world, start) else start


def finish_start(world: World, start: Document, **identity: object) -> str:
    """Exchange a start for a token, and return the URL that hands the token to the front end."""
    world.store.delete_document(START, start["id"])
    token = create_token()
    names = ("token_type", "challenge", "provider", "connection_id", "organization_id")
    document: Document = {name: start[name] for name in names if name in start}
    document |= {**identity, "expires_at": credentials.get_expiry(world, TOKEN_MINUTES)}
    world.store.put_document(TOKEN, token, document)
    return add_query(start["redirect_url"], stytch_token_type=start["token_type"], token=token)


def use_provider_token(
    world: World, token: str, *, token_type: str, verifier: str | None
) -> Document:
    """Spend a token and return the identity that the provider asserted.

    Raises:
        StytchError: the token is unknown, of another type, spent or expired, or the PKCE verifier
            does not match the challenge of the start.
    """
    identity = world.store.find_document(TOKEN, token)
    if (
        identity is None
        or identity["token_type"] != token_type
        or credentials.has_expired(world, identity)
    ):
        raise StytchError(ERROR_BY_TYPE[token_type])
    check_verifier(identity.get("challenge") or "", verifier or "")
    world.store.delete_document(TOKEN, token)
    return identity


def check_verifier(challenge: str, verifier: str) -> None:
    """Refuse a PKCE verifier that is missing, unexpected or wrong."""
    if challenge and not verifier:
        raise StytchError("pkce_expected_code_verifier")
    if verifier and not challenge:
        raise StytchError("pkce_did_not_expect_code_verifier")
    if challenge and credentials.compute_challenge(verifier) != challenge:
        raise StytchError("pkce_mismatch")
