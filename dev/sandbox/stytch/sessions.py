"""Start, find, extend and end member sessions."""

from datetime import timedelta

from sandbox.store import Document
from sandbox.stytch import factors as factor_rules
from sandbox.stytch import members, organizations, tokens
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, create_token, format_stytch_time, parse_instant
from sandbox.world import World

KIND = "stytch.session"
TOKEN = "stytch.session_token"  # noqa: S105  the name of an index
SESSIONS_BY_MEMBER = "stytch.sessions_of"  # one kind per member
DEFAULT_MINUTES = 60
CLAIMS_LIMIT = 4096


def start_session(
    world: World,
    member: Document,
    *,
    factors: list[Document],
    minutes: int | None = None,
    custom_claims: Document | None = None,
) -> Document:
    """Start a session of an active member."""
    now = world.clock.now()
    session = {
        "member_session_id": build_stytch_id("member-session"),
        "member_id": member["member_id"],
        "organization_id": member["organization_id"],
        "started_at": format_stytch_time(now),
        "last_accessed_at": format_stytch_time(now),
        "expires_at": format_stytch_time(now + get_lifetime(minutes)),
        "authentication_factors": factors,
        "custom_claims": clean_claims(custom_claims or {}),
        "_token": create_token(),
    }
    id_ = session["member_session_id"]
    world.store.put_document(KIND, id_, session)
    world.store.put_document(TOKEN, str(session["_token"]), {"member_session_id": id_})
    world.store.put_document(f"{SESSIONS_BY_MEMBER}:{member['member_id']}", str(id_), {})
    return session


def select_factors(world: World, member: Document, held: list[Document]) -> list[Document]:
    """Return the factors that count for a member, with the member's own id of its address."""
    organization = organizations.get_organization(world, member["organization_id"])
    own = {"email_id": member["_email_id"], "email_address": member["email_address"]}
    return [
        factor | ({"email_factor": own} if factor["delivery_method"] == "email" else {})
        for factor in held
        if factor_rules.is_valid_for(factor, organization, member)
        or factor.get("_member_id") == member["member_id"]
    ]


def touch_session(
    world: World,
    session: Document,
    *,
    minutes: int | None = None,
    custom_claims: Document | None = None,
    factors: list[Document] | None = None,
) -> Document:
    """Record an access, and extend the session when a length is given."""
    now = world.clock.now()
    session["last_accessed_at"] = format_stytch_time(now)
    if minutes is not None:
        session["expires_at"] = format_stytch_time(now + get_lifetime(minutes))
    if custom_claims:
        session["custom_claims"] = clean_claims(session["custom_claims"] | custom_claims)
    if factors:
        fresh = {entry["type"] for entry in factors}
        kept = [entry for entry in session["authentication_factors"] if entry["type"] not in fresh]
        session["authentication_factors"] = [*kept, *factors]
    world.store.put_document(KIND, session["member_session_id"], session)
    return session


def get_lifetime(minutes: int | None) -> timedelta:
    """Return the length of a session.

    The default is 60 minutes.

    Raises:
        StytchError: the length is outside of Stytch's bounds.
    """
    if minutes is not None and not 5 <= minutes <= 527_040:
        raise StytchError("invalid_session_duration")
    return timedelta(minutes=minutes or DEFAULT_MINUTES)


def clean_claims(custom_claims: Document) -> Document:
    """Return custom claims without null and reserved ones.

    Raises:
        StytchError: the claims exceed four kilobytes.
    """
    kept = {
        name: value
        for name, value in custom_claims.items()
        if value is not None and name not in tokens.RESERVED_CLAIMS
    }
    if len(tokens.encode_segment(kept)) > CLAIMS_LIMIT * 4 // 3:
        raise StytchError("invalid_argument", "Custom claims must not exceed four kilobytes.")
    return kept


# Finding


def find_given_session(world: World, *, token: str | None, jwt: str | None) -> Document:
    """Return the live session named by a token or a JWT.

    Raises:
        StytchError: both or none are given, or the session is not found.
    """
    if token and jwt:
        raise StytchError("too_many_session_arguments")
    if jwt:
        return find_session(world, tokens.read_token(world, jwt)[tokens.SESSION]["id"])
    if token:
        index = world.store.find_document(TOKEN, token)
        return find_session(world, index["member_session_id"] if index else "")
    raise StytchError("no_session_arguments")


def find_session(world: World, session_id: str) -> Document:
    """Return a live session, or refuse an unknown or ended one."""
    session = world.store.find_document(KIND, session_id)
    if session is None:
        raise StytchError("session_not_found")
    if parse_instant(session["expires_at"]) <= world.clock.now():
        end_session(world, session)
        raise StytchError("session_not_found")
    return session


def list_live_sessions(world: World, member_id: str) -> list[Document]:
    """List a member's live sessions, oldest first."""
    found = [
        world.store.find_document(KIND, id_)
        for id_ in world.store.list_ids(f"{SESSIONS_BY_MEMBER}:{member_id}")
    ]
    now = world.clock.now()
    return [s for s in found if s and parse_instant(s["expires_at"]) > now]


# Ending


def end_session(world: World, session: Document) -> None:
    """Remove one session and its index entries."""
    world.store.delete_document(KIND, session["member_session_id"])
    world.store.delete_document(TOKEN, session["_token"])
    world.store.delete_document(
        f"{SESSIONS_BY_MEMBER}:{session['member_id']}", session["member_session_id"]
    )


def end_member_sessions(world: World, member_id: str) -> None:
    """End every session of a member."""
    for id_ in world.store.list_ids(f"{SESSIONS_BY_MEMBER}:{member_id}"):
        if session := world.store.find_document(KIND, id_):
            end_session(world, session)


# Showing


def render_session(world: World, session: Document) -> Document:
    """Render a session in Stytch's format."""
    member = members.find_member(world, session["member_id"])
    organization = organizations.get_organization(world, session["organization_id"])
    shown = {name: value for name, value in session.items() if not name.startswith("_")}
    shown["authentication_factors"] = [
        factor_rules.render_factor(one) for one in session["authentication_factors"]
    ]
    shown["organization_slug"] = organization["organization_slug"]
    shown["roles"] = members.list_role_ids(world, member) if member else []
    return shown


def mint_session_jwt(world: World, session: Document) -> str:
    """Create a fresh JWT of a session."""
    member = members.find_member(world, session["member_id"])
    payload = tokens.build_claims(
        world,
        session=session,
        organization=organizations.get_organization(world, session["organization_id"]),
        role_ids=members.list_role_ids(world, member) if member else [],
    )
    return tokens.sign_token(world, payload)


def build_authenticated_answer(world: World, session: Document) -> Document:
    """Build the answer of a successful sign-in."""
    member = members.find_member(world, session["member_id"])
    assert member is not None  # noqa: S101  a session ends with its member
    return build_sign_in_answer(world, member) | {
        "member_session": render_session(world, session),
        "session_token": session["_token"],
        "session_jwt": mint_session_jwt(world, session),
        "member_authenticated": True,
    }


def build_unfinished_answer(
    world: World, member: Document, proof: Document, missing: Document
) -> Document:
    """Build the answer of a sign-in that still lacks a factor."""
    return (
        build_sign_in_answer(world, member)
        | missing
        | {
            "intermediate_session_token": proof["token"],
            "intermediate_session_token_expires_at": proof["expires_at"],
        }
    )


def build_sign_in_answer(world: World, member: Document) -> Document:
    """Build the fields common to all sign-in answers."""
    return {
        "member_id": member["member_id"],
        "member": members.render_member(world, member),
        "organization": organizations.get_organization(world, member["organization_id"]),
        "member_session": None,
        "session_token": "",
        "session_jwt": "",
        "member_authenticated": False,
        "intermediate_session_token": "",
        "intermediate_session_token_expires_at": None,
        "mfa_required": None,
        "primary_required": None,
        "member_device": None,
    }
