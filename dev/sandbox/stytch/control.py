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
    connections,
    deletions,
    mails,
    members,
    organizations,
    rate_limits,
    token_control,
    tokens,
    webhooks,
)
from sandbox.stytch.errors import StytchError
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


def take_source(fields: Document) -> webhooks.Source:
    """Take the source of a change out of the body, by default the dashboard."""
    name = str(fields.pop("source", "dashboard")).lower()
    if name not in SOURCES:
        raise RefusedError(f"source must be one of {', '.join(SOURCES)}.")
    return SOURCES[name]


async def read_arguments(
    request: Request, allowed: dict[str, Kind], *, required: tuple[str, ...] = ()
) -> Document:
    """Read a JSON body and check its fields as arguments of Stytch."""
    fields = await read_fields(request, allowed, required=required)
    arguments.check_arguments(fields)
    return fields


def get_path_member(world: World, request: Request) -> Document:
    """Return the member named in the path, even a deleted one."""
    member = members.find_member(world, request.path_params["member_id"])
    if member is None:
        raise RefusedError("No such member.", status=404)
    return member


async def create_member(world: World, request: Request) -> JSONResponse:
    """Add a member, and mail the invitation when the status is `invited`."""
    allowed = MEMBER | {"organization_id": str}
    fields = await read_arguments(request, allowed, required=("organization_id", "email_address"))
    source, status = take_source(fields), fields.pop("status", "active")
    check_status(status, among=STATUSES - {"deleted"})
    organization = organizations.get_organization(world, fields.pop("organization_id"))
    email = fields.pop("email_address")
    member = members.create_member(
        world, organization, email_address=email, status=status, source=source, **fields
    )
    if status == "invited":
        mails.send_invitation_mail(
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
    fields = await read_arguments(request, MEMBER)
    source, member = take_source(fields), get_path_member(world, request)
    check_status(fields.get("status", "active"), among=STATUSES)
    if fields.get("status") == "deleted":
        deletions.delete_member_and_sessions(world, member, source=source)
        return JSONResponse({"member_id": member["member_id"], "status": "deleted"})
    changed = members.update_member(world, member, source=source, **fields)
    return JSONResponse(members.render_member(world, changed))


async def delete_member(world: World, request: Request) -> JSONResponse:
    """Delete a member."""
    fields = await read_fields(request, {"source": str})
    source, member = take_source(fields), get_path_member(world, request)
    if member["status"] == "deleted":
        raise RefusedError("The member is deleted already.", status=409)
    deletions.delete_member_and_sessions(world, member, source=source)
    return JSONResponse({"member_id": member["member_id"], "status": "deleted"})


async def show_member(world: World, request: Request) -> JSONResponse:
    """Show a member, even a deleted one."""
    return JSONResponse(members.render_member(world, get_path_member(world, request)))


def check_status(status: str, *, among: frozenset[str]) -> None:
    """Refuse a status that is not one of the allowed ones."""
    if status not in among:
        raise RefusedError(f"status must be one of {', '.join(sorted(among))}.")


async def create_organization(world: World, request: Request) -> JSONResponse:
    """Add an organization without members."""
    fields = await read_arguments(request, ORGANIZATION, required=("organization_name",))
    created = organizations.create_organization(world, source=take_source(fields), **fields)
    return JSONResponse(created, status_code=201)


async def change_organization(world: World, request: Request) -> JSONResponse:
    """Change an organization's fields."""
    fields = await read_arguments(request, ORGANIZATION)
    source = take_source(fields)
    organization = organizations.get_organization(world, request.path_params["organization_id"])
    return JSONResponse(
        organizations.update_organization(world, organization, source=source, **fields)
    )


async def delete_organization(world: World, request: Request) -> JSONResponse:
    """Delete an organization and its members."""
    source = take_source(await read_fields(request, {"source": str}))
    organization = organizations.get_organization(world, request.path_params["organization_id"])
    deletions.delete_organization_and_members(world, organization, source=source)
    return JSONResponse({"organization_id": organization["organization_id"]})


async def create_connection(world: World, request: Request) -> JSONResponse:
    """Add an active connection to an organization's own identity provider."""
    allowed: dict[str, Kind] = dict.fromkeys(
        ("organization_id", "display_name", "identity_provider", "kind"), str
    )
    fields = await read_arguments(request, allowed, required=("organization_id",))
    kind = fields.pop("kind", "oidc")
    if kind not in connections.EMPTY_BY_KIND:
        raise RefusedError("kind must be oidc or saml.")
    organization = organizations.get_organization(world, fields.pop("organization_id"))
    created = connections.create_connection(
        world, organization, kind=kind, status="active", **fields
    )
    return JSONResponse(connections.render_connection(created), status_code=201)


async def set_rate_limit(world: World, request: Request) -> JSONResponse:
    """Turn the limit of mails to one address on, by default with Stytch's window, or off."""
    fields = await read_fields(request, {"mail_window_seconds": int})
    seconds = fields.get("mail_window_seconds", rate_limits.MAIL_WINDOW_SECONDS)
    return JSONResponse(rate_limits.set_mail_window(world, seconds))


async def send_unverified_event(world: World, request: Request) -> JSONResponse:
    """Send an event that no change caused, for example a late or contradictory one."""
    allowed: dict[str, Kind] = {"document": dict, "source": str}
    allowed |= dict.fromkeys(("object_type", "id", "action"), str)
    fields = await read_fields(request, allowed, required=("object_type", "id", "action"))
    source = take_source(fields)
    if fields["object_type"] not in OBJECT_TYPES or fields["action"] not in ACTIONS:
        raise RefusedError("object_type is member or organization; action CREATE, UPDATE, DELETE.")
    webhooks.emit_webhook(
        world,
        action=fields["action"],
        object_type=fields["object_type"],
        object_id=fields["id"],
        source=source,
        document=fields.get("document", {}),
    )
    return JSONResponse({"id": fields["id"]}, status_code=202)


async def rotate_signing_key(world: World, request: Request) -> JSONResponse:
    """Create a new signing key and keep the previous one published."""
    await read_fields(request, {})
    key = tokens.rotate_key(world)
    published = [entry["kid"] for entry in tokens.list_keys(world)]
    return JSONResponse({"kid": key["kid"], "published": published})


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
        ("POST", "/stytch/connections", create_connection),
        ("POST", "/stytch/rate-limits", set_rate_limit),
        ("POST", "/stytch/events", send_unverified_event),
        ("POST", "/stytch/keys/rotate", rotate_signing_key),
        ("POST", "/stytch/tokens", token_control.sign_test_token),
        ("GET", "/inbox", list_stytch_mails),
    )
    return [
        Route(path, partial(handler, world), methods=[method]) for method, path, handler in table
    ]
