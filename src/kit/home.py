"""Serve the page at `/`, which tells people and programs where to go on."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from kit import json_api

LINKS = (
    ("Documentation", "/docs", "Every call, with how to get a token first."),
    ("Problems", "/docs/errors", "What the API refuses, and what to do about each code."),
    ("OpenAPI 3.1", "/openapi.json", "The contract, for generators of clients."),
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Return a page to a browser, and the same as JSON to a program."""
    kind = request.get_preferred_type(["application/json", "text/html"]) or "application/json"
    render = _render_page if kind == "text/html" else _render_json
    response = HttpResponse(render(), content_type=kind)
    patch_vary_headers(response, ["Accept"])
    return response


def _render_page() -> str:
    context = {
        "name": settings.SPECTACULAR_SETTINGS["TITLE"],
        "description": settings.SPECTACULAR_SETTINGS["DESCRIPTION"].partition("\n")[0],
        "version": settings.VERSION,
        "links": [*LINKS, *settings.DEVELOPMENT_LINKS],
    }
    return render_to_string("kit/home.html", context)


def _render_json() -> bytes:
    addresses = {
        "documentation": "/docs",
        "openapi": "/openapi.json",
        "errors": "/docs/errors",
    }
    body = {
        "name": settings.SPECTACULAR_SETTINGS["TITLE"],
        "version": settings.VERSION,
        **{name: f"{settings.PUBLIC_URL}{path}" for name, path in addresses.items()},
    }
    return json_api.dump_json(body)
