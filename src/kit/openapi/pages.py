"""Serve the OpenAPI document, its Swagger UI page and the list of problems."""

import re
import threading
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from kit import access, errors
from kit.views import APIView

CODE: Final = re.compile(r"`([^`]+)`")

_building = threading.Lock()  # the generator loads its extensions once, and not for two at once


def build_document() -> dict[str, Any]:
    """Build the whole document, once per process because routes do not change."""
    with _building:
        return _build_schema()


@cache
def _build_schema() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    schema["info"]["description"] += settings.DOCS_NOTE
    return {**schema, "servers": [{"url": settings.PUBLIC_URL}]}


class Contract(APIView):
    """The OpenAPI document."""

    access = access.PUBLIC
    schema = None

    def get(self, _request: Request) -> Response:
        """Return the OpenAPI document."""
        return Response(build_document(), headers={"Cache-Control": "public, max-age=300"})


class Docs(SpectacularSwaggerSplitView):
    """Show the document in Swagger UI, with its script in a file for the security policy."""

    access = access.PUBLIC
    schema = None
    url_name = "openapi"


@require_safe
def errors_page(_request: HttpRequest) -> HttpResponse:
    """List every kind of problem, as the target of a problem's `type`."""
    problems = [
        {
            "code": kind.code,
            "status": kind.status,
            "title": kind.title,
            "advice": _mark_code(kind.advice),
        }
        for kind in errors.list_problems()
    ]
    return HttpResponse(render_to_string("kit/errors.html", {"problems": problems}))


def _mark_code(text: str) -> str:
    """Return a text as HTML, with what is in back ticks as code."""
    return mark_safe(CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped just before
