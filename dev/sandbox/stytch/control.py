"""Serve the control calls that stand for Stytch's dashboard and SCIM, its keys and its mails."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox import mail
from sandbox.control import Kind, RefusedError, read_fields
from sandbox.store import Document
from sandbox.stytch import (
    arguments,
    deletions,
    mails,
    members,
    organizations,
    roles,
    sessions,
    tokens,
    webhooks,
)
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, format_stytch_time
from sandbox.world import World

SOURCES: dict[str, webhooks.Source] = {
    "dashboard": "DASHBOARD",
    "scim": "SCIM",
    "direct": "DIRECT",
}
STATUSES = frozenset({"pending", "invited", "active", "deleted"})
OBJECT_TYPES = frozenset({"member", "organization"})
ACTIONS = frozenset({"CREATE", "UPDATE", "DELETE"})
WEEK = 7 * 24 * 60
MEMBER: dict[str, Kind] = {
    "source": str,
    "name": str,
    "email_address": str,
    "roles": list,
    "status": str,
    "external_id": str,
    "trusted_metadata": dict,
    "untrusted_metadata": dict,
    "implicit_roles": list,
    "email_address_verified": bool,
}
ORGANIZATION: dict[str, Kind] = {
    "source": str,
    "organization_name": str,
    "organization_slug": str,
    "organization_logo_url": str,
    "organization_external_id": str,
    "trusted_metadata": dict,
    **dict.fromkeys(organizations.CHOICES, str),
    **dict.fromkeys(organizations.LISTS, list),
}


def source_of(asked: Document) -> webhooks.Source:
    """Take the source of a change out of the body, by default the dashboard."""
    name = str(asked.pop("source", "dashboard")).lower()
    if name not in SOURCES:
        raise RefusedError(f"source must be one of {', '.join(SOURCES)}.")
    return SOURCES[name]


async def documented(
    request: Request, allowed: dict[str, Kind], *, required: tuple[str, ...] = ()
) -> Document:
    """Read a JSON body and check its fields as arguments of Stytch."""
    asked = await read_fields(request, allowed, required=required)
    arguments.check_arguments(asked)
    return asked


def known_member(world: World, request: Request) -> Document:
    """Return the member named in the path, even a deleted one."""
    member = members.find_member(world, request.path_params["member_id"])
    if member is None:
        raise RefusedError("No such member.", status=404)
    return member


async def create_member(world: World, request: Request) -> JSONResponse:
    """Add a member, and mail the invitation when the status is `invited`."""
    allowed = MEMBER | {"organization_id": str}
    asked = await documented(request, allowed, required=("organization_id", "email_address"))
    source, status = source_of(asked), asked.pop("status", "active")
    check_status(status, among=STATUSES - {"deleted"})
    organization = organizations.get_organization(world, asked.pop("organization_id"))
    email = asked.pop("email_address")
    member = members.create_member(
        world, organization, email_address=email, status=status, source=source, **asked
    )
    if status == "invited":
        mails.invitation(
            world,
            organization=organization,
            member=member,
            inviter_id=None,
            redirect_url=None,
            minutes=WEEK,
        )
    return JSONResponse(members.render_member(world, member), status_code=201)


async def change_member(world: World, request: Request) -> JSONResponse:
    """Change a member's fields, or delete it when the status becomes `deleted`."""
    asked = await documented(request, MEMBER)
    source, member = source_of(asked), known_member(world, request)
    check_status(asked.get("status", "active"), among=STATUSES)
    if asked.get("status") == "deleted":
        deletions.of_member(world, member, source=source)
        return JSONResponse({"member_id": member["member_id"], "status": "deleted"})
    changed = members.update_member(world, member, source=source, **asked)
    return JSONResponse(members.render_member(world, changed))


async def delete_member(world: World, request: Request) -> JSONResponse:
    """Delete a member."""
    asked = await read_fields(request, {"source": str})
    source, member = source_of(asked), known_member(world, request)
    if member["status"] == "deleted":
        raise RefusedError("The member is deleted already.", status=409)
    deletions.of_member(world, member, source=source)
    return JSONResponse({"member_id": member["member_id"], "status": "deleted"})


async def show_member(world: World, request: Request) -> JSONResponse:
    """Show a member, even a deleted one."""
    return JSONResponse(members.render_member(world, known_member(world, request)))


def check_status(status: str, *, among: frozenset[str]) -> None:
    """Refuse a status that is not one of the allowed ones."""
    if status not in among:
        raise RefusedError(f"status must be one of {', '.join(sorted(among))}.")


async def create_organization(world: World, request: Request) -> JSONResponse:
    """Add an organization without members."""
    asked = await documented(request, ORGANIZATION, required=("organization_name",))
    made = organizations.create_organization(world, source=source_of(asked), **asked)
    return JSONResponse(made, status_code=201)


async def change_organization(world: World, request: Request) -> JSONResponse:
    """Change an organization's fields."""
    asked = await documented(request, ORGANIZATION)
    source = source_of(asked)
    organization = organizations.get_organization(world, request.path_params["organization_id"])
    return JSONResponse(
        organizations.update_organization(world, organization, source=source, **asked)
    )


async def delete_organization(world: World, request: Request) -> JSONResponse:
    """Delete an organization and its members."""
    source = source_of(await read_fields(request, {"source": str}))
    organization = organizations.get_organization(world, request.path_params["organization_id"])
    deletions.of_organization(world, organization, source=source)
    return JSONResponse({"organization_id": organization["organization_id"]})


async def send_unverified_event(world: World, request: Request) -> JSONResponse:
    """Send an event that no change caused, for example a late or contradictory one."""
    allowed: dict[str, Kind] = {"document": dict, "source": str}
    allowed |= dict.fromkeys(("object_type", "id", "action"), str)
    asked = await read_fields(request, allowed, required=("object_type", "id", "action"))
    source = source_of(asked)
    if asked["object_type"] not in OBJECT_TYPES or asked["action"] not in ACTIONS:
        raise RefusedError("object_type is member or organization; action CREATE, UPDATE, DELETE.")
    webhooks.emit_webhook(
        world,
        action=asked["action"],
        object_type=asked["object_type"],
        object_id=asked["id"],
        source=source,
        document=asked.get("document", {}),
    )
    return JSONResponse({"id": asked["id"]}, status_code=202)


async def rotate_signing_key(world: World, request: Request) -> JSONResponse:
    """Create a new signing key and keep the previous one published."""
    await read_fields(request, {})
    key = tokens.rotate_key(world)
    published = [entry["kid"] for entry in tokens.published(world)]
    return JSONResponse({"kid": key["kid"], "published": published})


async def sign_test_token(world: World, request: Request) -> JSONResponse:
    """Sign a session JWT whose claims and header a test may override.

    The defaults come from the named member or session. A null removes a claim or a header, and
    `foreign_key` signs with a key that is not published.
    """
    allowed: dict[str, Kind] = {"claims": dict, "header": dict, "foreign_key": bool}
    allowed |= {"member_id": str, "member_session_id": str}
    asked = await read_fields(request, allowed)
    claims = default_claims(world, asked) | asked.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    pem = tokens.create_key_pem() if asked.get("foreign_key") else ""
    signed = tokens.sign_token(world, claims, header=asked.get("header"), pem=pem)
    return JSONResponse({"token": signed, "claims": claims})


def default_claims(world: World, asked: Document) -> Document:
    """Build valid claims for the named session or member, or for an invented one."""
    if session_id := asked.get("member_session_id"):
        session = sessions.find_session(world, session_id)
    elif member_id := asked.get("member_id"):
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
    who = member or {
        "member_id": build_stytch_id("member"),
        "organization_id": build_stytch_id("organization"),
    }
    return {
        "member_session_id": build_stytch_id("member-session"),
        "member_id": who["member_id"],
        "organization_id": who["organization_id"],
        "started_at": format_stytch_time(now),
        "last_accessed_at": format_stytch_time(now),
        "expires_at": format_stytch_time(now + sessions.get_lifetime(None)),
        "authentication_factors": [],
        "custom_claims": {},
    }


async def list_stytch_mails(world: World, request: Request) -> JSONResponse:
    """List the sent mails, newest first."""
    mails = mail.find_mails(world, email=request.query_params.get("email", ""))
    return JSONResponse({"mails": mails})


async def render_stytch_refusal(_: Request, error: Exception) -> JSONResponse:
    """Render an error of Stytch on the control plane."""
    assert isinstance(error, StytchError)  # noqa: S101  for the type checker
    return JSONResponse(
        {"error": error.message, "error_type": error.error_type}, status_code=error.status
    )


def build_control_endpoints(world: World) -> list[BaseRoute]:
    """Build the control routes below `/_sandbox`."""
    table = (
        ("POST", "/stytch/members", create_member),
        ("GET", "/stytch/members/{member_id}", show_member),
        ("POST", "/stytch/members/{member_id}", change_member),
        ("DELETE", "/stytch/members/{member_id}", delete_member),
        ("POST", "/stytch/members/{member_id}/delete", delete_member),
        ("POST", "/stytch/organizations", create_organization),
        ("POST", "/stytch/organizations/{organization_id}", change_organization),
        ("DELETE", "/stytch/organizations/{organization_id}", delete_organization),
        ("POST", "/stytch/organizations/{organization_id}/delete", delete_organization),
        ("POST", "/stytch/events", send_unverified_event),
        ("POST", "/stytch/keys/rotate", rotate_signing_key),
        ("POST", "/stytch/tokens", sign_test_token),
        ("GET", "/inbox", list_stytch_mails),
    )
    return [
        Route(path, partial(handler, world), methods=[method]) for method, path, handler in table
    ]
