"""Control of Stytch's half: changes made in the dashboard or by SCIM, keys, tokens, the inbox."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox import mail
from sandbox.control import Kind, RefusedError, fields
from sandbox.store import Document
from sandbox.stytch import (
    arguments,
    departures,
    letters,
    members,
    organizations,
    roles,
    sessions,
    tokens,
    webhooks,
)
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import instant, new_id
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
    """Return who is said to act, the dashboard unless told otherwise."""
    name = str(asked.pop("source", "dashboard")).lower()
    if name not in SOURCES:
        raise RefusedError(f"source must be one of {', '.join(SOURCES)}.")
    return SOURCES[name]


async def documented(
    request: Request, allowed: dict[str, Kind], *, required: tuple[str, ...] = ()
) -> Document:
    """Return the JSON body, whose fields are also held to the shapes of Stytch's arguments."""
    asked = await fields(request, allowed, required=required)
    arguments.check(asked)
    return asked


def known_member(world: World, request: Request) -> Document:
    """Return the member of the path, deleted or not."""
    member = members.by_id(world, request.path_params["member_id"])
    if member is None:
        raise RefusedError("No such member.", status=404)
    return member


async def create_member(world: World, request: Request) -> JSONResponse:
    """Add a member; an invited one gets the invitation by mail."""
    allowed = MEMBER | {"organization_id": str}
    asked = await documented(request, allowed, required=("organization_id", "email_address"))
    source, status = source_of(asked), asked.pop("status", "active")
    check_status(status, among=STATUSES - {"deleted"})
    organization = organizations.get(world, asked.pop("organization_id"))
    email = asked.pop("email_address")
    member = members.create(
        world, organization, email_address=email, status=status, source=source, **asked
    )
    if status == "invited":
        letters.invitation(
            world,
            organization=organization,
            member=member,
            inviter_id=None,
            redirect_url=None,
            minutes=WEEK,
        )
    return JSONResponse(members.rendered(world, member), status_code=201)


async def change_member(world: World, request: Request) -> JSONResponse:
    """Change a member's roles, name, address or status; `deleted` deletes."""
    asked = await documented(request, MEMBER)
    source, member = source_of(asked), known_member(world, request)
    check_status(asked.get("status", "active"), among=STATUSES)
    if asked.get("status") == "deleted":
        departures.of_member(world, member, source=source)
        return JSONResponse({"member_id": member["member_id"], "status": "deleted"})
    changed = members.update(world, member, source=source, **asked)
    return JSONResponse(members.rendered(world, changed))


async def delete_member(world: World, request: Request) -> JSONResponse:
    """Delete a member."""
    asked = await fields(request, {"source": str})
    source, member = source_of(asked), known_member(world, request)
    if member["status"] == "deleted":
        raise RefusedError("The member is deleted already.", status=409)
    departures.of_member(world, member, source=source)
    return JSONResponse({"member_id": member["member_id"], "status": "deleted"})


async def show_member(world: World, request: Request) -> JSONResponse:
    """Show a member, deleted or not."""
    return JSONResponse(members.rendered(world, known_member(world, request)))


def check_status(status: str, *, among: frozenset[str]) -> None:
    """Refuse a status members cannot have."""
    if status not in among:
        raise RefusedError(f"status must be one of {', '.join(sorted(among))}.")


async def create_organization(world: World, request: Request) -> JSONResponse:
    """Add an organization without members."""
    asked = await documented(request, ORGANIZATION, required=("organization_name",))
    made = organizations.create(world, source=source_of(asked), **asked)
    return JSONResponse(made, status_code=201)


async def change_organization(world: World, request: Request) -> JSONResponse:
    """Change an organization's fields."""
    asked = await documented(request, ORGANIZATION)
    source = source_of(asked)
    organization = organizations.get(world, request.path_params["organization_id"])
    return JSONResponse(organizations.update(world, organization, source=source, **asked))


async def delete_organization(world: World, request: Request) -> JSONResponse:
    """Delete an organization with everyone in it."""
    source = source_of(await fields(request, {"source": str}))
    organization = organizations.get(world, request.path_params["organization_id"])
    departures.of_organization(world, organization, source=source)
    return JSONResponse({"organization_id": organization["organization_id"]})


async def rumour(world: World, request: Request) -> JSONResponse:
    """Send an event that no change caused: late, about nobody, or contradicting the API."""
    allowed: dict[str, Kind] = {"document": dict, "source": str}
    allowed |= dict.fromkeys(("object_type", "id", "action"), str)
    asked = await fields(request, allowed, required=("object_type", "id", "action"))
    source = source_of(asked)
    if asked["object_type"] not in OBJECT_TYPES or asked["action"] not in ACTIONS:
        raise RefusedError("object_type is member or organization; action CREATE, UPDATE, DELETE.")
    webhooks.emit(
        world,
        action=asked["action"],
        object_type=asked["object_type"],
        object_id=asked["id"],
        source=source,
        document=asked.get("document", {}),
    )
    return JSONResponse({"id": asked["id"]}, status_code=202)


async def rotate(world: World, request: Request) -> JSONResponse:
    """Make a new signing key; the one before stays published."""
    await fields(request, {})
    key = tokens.rotate(world)
    published = [entry["kid"] for entry in tokens.published(world)]
    return JSONResponse({"kid": key["kid"], "published": published})


async def token(world: World, request: Request) -> JSONResponse:
    """Sign claims over a valid default, of a real member or session if one is named.

    A null removes a claim or a header; `foreign_key` signs with a key nobody published.
    """
    allowed: dict[str, Kind] = {"claims": dict, "header": dict, "foreign_key": bool}
    allowed |= {"member_id": str, "member_session_id": str}
    asked = await fields(request, allowed)
    claims = default_claims(world, asked) | asked.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    pem = tokens.new_pem() if asked.get("foreign_key") else ""
    signed = tokens.sign(world, claims, header=asked.get("header"), pem=pem)
    return JSONResponse({"token": signed, "claims": claims})


def default_claims(world: World, asked: Document) -> Document:
    """Return valid claims: of the named session, of the named member's, or of nobody."""
    if session_id := asked.get("member_session_id"):
        session = sessions.by_id(world, session_id)
    elif member_id := asked.get("member_id"):
        live = sessions.live_of(world, member_id)
        session = live[-1] if live else imagined(world, members.by_id(world, member_id))
    else:
        session = imagined(world, None)
    member = members.by_id(world, session["member_id"])
    place = {"organization_id": session["organization_id"], "organization_slug": "nowhere"}
    if member:
        place = organizations.get(world, member["organization_id"])
    role_ids = members.role_ids(world, member) if member else [roles.MEMBER]
    return tokens.claims(world, session=session, organization=place, role_ids=role_ids)


def imagined(world: World, member: Document | None) -> Document:
    """Return a session that exists in a token only."""
    now = world.clock.now()
    who = member or {"member_id": new_id("member"), "organization_id": new_id("organization")}
    return {
        "member_session_id": new_id("member-session"),
        "member_id": who["member_id"],
        "organization_id": who["organization_id"],
        "started_at": instant(now),
        "last_accessed_at": instant(now),
        "expires_at": instant(now + sessions.lifetime(None)),
        "authentication_factors": [],
        "custom_claims": {},
    }


async def inbox(world: World, request: Request) -> JSONResponse:
    """List the mails sent, newest first."""
    mails = mail.find(world, email=request.query_params.get("email", ""))
    return JSONResponse({"mails": mails})


async def refused(_: Request, error: Exception) -> JSONResponse:
    """Render a refusal of Stytch's rules on the control plane."""
    assert isinstance(error, StytchError)  # noqa: S101  for the type checker
    return JSONResponse(
        {"error": error.message, "error_type": error.error_type}, status_code=error.status
    )


def routes(world: World) -> list[BaseRoute]:
    """Return the control routes below `/_sandbox`."""
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
        ("POST", "/stytch/events", rumour),
        ("POST", "/stytch/keys/rotate", rotate),
        ("POST", "/stytch/tokens", token),
        ("GET", "/inbox", inbox),
    )
    return [
        Route(path, partial(handler, world), methods=[method]) for method, path, handler in table
    ]
