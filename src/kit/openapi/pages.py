"""Serve the OpenAPI document, its Swagger UI page and the list of problems."""

import threading
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from kit import access, errors
from kit.views import APIView

ERRORS_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems</title>
<link rel="icon" href="data:,">
<style>
  body {{ max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1d2433; font: 16px/1.5 system-ui, sans-serif; }}
  table {{ width: 100%; border-collapse: collapse; }}
  th, td {{ padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #e3e7ee; text-align: left; vertical-align: top; }}
  code {{ overflow-wrap: anywhere; }}
  :target {{ background: #fff4d9; }}
</style>
<h1>Problems</h1>
<p>What this API refuses, and the <code>code</code> to branch on. <a href="/docs">Operations</a></p>
<table>
<tr><th>Status</th><th>Code</th><th>Title</th></tr>
{}
</table>
</html>
"""

_building = threading.Lock()  # the generator loads its extensions once, and not for two at once


def build_document() -> dict[str, Any]:
    """Build the whole document, once per process because routes do not change."""
    with _building:
        return _build_schema()


@cache
def _build_schema() -> dict[str, Any]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
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
    rows = format_html_join(
        "\n",
        '<tr id="{}"><td>{}</td><td><code>{}</code></td><td>{}</td></tr>',
        ((kind.code, kind.status, kind.code, kind.title) for kind in errors.list_problems()),
    )
    page = format_html(ERRORS_PAGE, rows)
    return HttpResponse(page)
