"""Sign session JWTs with the claims that a test asks for."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.control import Kind, read_fields
from sandbox.store import Document
from sandbox.stytch import members, organizations, roles, sessions, tokens
from sandbox.stytch.values import build_stytch_id, format_stytch_time
from sandbox.world import World


async def sign_test_token(world: World, request: Request) -> JSONResponse:
    """Sign a session JWT whose claims and header a test may override.

    The defaults come from the named member or session. A null removes a claim or a header, and
    `foreign_key` signs with a key that is not published.
    """
    allowed: dict[str, Kind] = {"claims": dict, "header": dict, "foreign_key": bool}
    allowed |= {"member_id": str, "member_session_id": str}
    fields = await read_fields(request, allowed)
    claims = build_default_claims(world, fields) | fields.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    pem = tokens.create_key_pem() if fields.get("foreign_key") else ""
    signed = tokens.sign_token(world, claims, header=fields.get("header"), pem=pem)
    return JSONResponse({"token": signed, "claims": claims})


def build_default_claims(world: World, fields: Document) -> Document:
    """Build valid claims for the named session or member, or for an invented one."""
    if session_id := fields.get("member_session_id"):
        session = sessions.find_session(world, session_id)
    elif member_id := fields.get("member_id"):
        live = sessions.list_live_sessions(world, member_id)
        session = (
            live[-1]
            if live
            else build_unsaved_session(world, members.find_member(world, member_id))
        )
    else:
        session = build_unsaved_session(world, None)
    member = members.find_member(world, session["member_id"])
    place = {"organization_id": session["organization_id"], "organization_slug": "nowhere"}
    if member:
        place = organizations.get_organization(world, member["organization_id"])
    role_ids = members.list_role_ids(world, member) if member else [roles.MEMBER]
    return tokens.build_claims(world, session=session, organization=place, role_ids=role_ids)


def build_unsaved_session(world: World, member: Document | None) -> Document:
    """Build a session that is not stored and exists in a token only."""
    now = world.clock.now()
    owner = member or {
        "member_id": build_stytch_id("member"),
        "organization_id": build_stytch_id("organization"),
    }
    return {
        "member_session_id": build_stytch_id("member-session"),
        "member_id": owner["member_id"],
        "organization_id": owner["organization_id"],
        "started_at": format_stytch_time(now),
        "last_accessed_at": format_stytch_time(now),
        "expires_at": format_stytch_time(now + sessions.get_lifetime(None)),
        "authentication_factors": [],
        "custom_claims": {},
    }
