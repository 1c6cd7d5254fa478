"""Serve the pages that stand for identity providers, where a person chooses who to be."""

import hashlib
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import request_bodies
from sandbox.store import Document
from sandbox.stytch import (
    connections,
    errors,
    factors,
    organizations,
    provider_sign_in,
    second_factors,
)
from sandbox.stytch.api import sso
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, normalize_email
from sandbox.world import World

SEE_OTHER = 303
FOUND = 302


async def start_sso(world: World, request: Request) -> Response:
    """Send the browser to the page of an organization's own provider."""
    try:
        return RedirectResponse(sso.start_sign_in(world, request.query_params), FOUND)
    except StytchError as error:
        body = errors.build_error_body(
            status=error.status,
            error_type=error.error_type,
            message=error.message,
            request_id=build_stytch_id("request-id"),
        )
        return JSONResponse(body, status_code=error.status)


async def show_provider(world: World, request: Request) -> Response:
    """Show the sign-in page of a provider such as Google."""
    return render_page(world, request, find_page(world, request), {})


async def submit_provider(world: World, request: Request) -> Response:
    """Assert the chosen address, and send the browser back with a token."""
    page = find_page(world, request)
    fields = request_bodies.parse_form(await request.body())
    start = page["start"]
    if start is None:
        return render_page(world, request, page, fields)
    try:
        email = normalize_email(fields.get("email", ""))
    except StytchError as error:
        return render_page(world, request, page, fields, refusal=error.message)
    url = provider_sign_in.finish_start(
        world,
        start,
        email=email,
        name=fields.get("name", ""),
        email_verified=page["is_sso"] or fields.get("email_verified") == "true",
        subject=fields.get("subject") or build_subject(page["title"], email),
    )
    return RedirectResponse(url, SEE_OTHER)


def build_subject(provider: str, email: str) -> str:
    """Return the id that a provider gives the account of an address, always the same."""
    return hashlib.sha256(f"{provider}/{email}".encode()).hexdigest()[:21]


def find_page(world: World, request: Request) -> Document:
    """Return the provider of a page with its start, which is None when it has expired."""
    params = request.path_params
    start = provider_sign_in.find_start(world, request.query_params.get("state", ""))
    is_sso = "connection_id" in params
    name = "connection_id" if is_sso else "provider"
    if start is not None and start.get(name) != params[name]:
        start = None
    return {
        "start": start,
        "is_sso": is_sso,
        "title": find_title(world, params) if start else "Identity provider",
    }


def find_title(world: World, params: dict[str, str]) -> str:
    """Return the name that a provider shows on its page."""
    if "provider" in params:
        return factors.OAUTH_PROVIDERS[params["provider"]]
    connection = connections.find_active_connection(world, params["connection_id"])
    organization = organizations.get_organization(world, connection["organization_id"])
    return str(connection["display_name"] or f"Provider of {organization['organization_name']}")


def render_page(
    world: World, request: Request, page: Document, fields: dict[str, str], *, refusal: str = ""
) -> Response:
    """Render the page of a provider, or a note that its sign-in has expired."""
    status = 404 if page["start"] is None else 400 if refusal else 200
    context = {**page, "fields": fields, "refusal": refusal}
    return world.templates.TemplateResponse(request, "provider.html", context, status)


async def show_authenticator(world: World, request: Request) -> Response:
    """Show the current codes of every authenticator app, as the phones of its members would."""
    context = {"apps": second_factors.list_app_codes(world)}
    return world.templates.TemplateResponse(request, "authenticator.html", context)


def build_provider_routes(world: World) -> list[BaseRoute]:
    """Build the routes of the pages of providers and apps, and the start of SSO."""
    return [
        Route("/v1/public/sso/start", partial(start_sso, world), methods=["GET"]),
        Route("/authenticator", partial(show_authenticator, world), methods=["GET"]),
        Route("/providers/{provider}", partial(show_provider, world), methods=["GET"]),
        Route("/providers/{provider}", partial(submit_provider, world), methods=["POST"]),
        Route("/sso/{connection_id}", partial(show_provider, world), methods=["GET"]),
        Route("/sso/{connection_id}", partial(submit_provider, world), methods=["POST"]),
    ]
