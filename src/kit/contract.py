"""Where the contract is read: `/openapi.json` by generators, `/docs` by people."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from kit import access
from kit.views import APIView


@cache
def document() -> dict[str, Any]:
    """The whole contract; routes do not change while a process lives."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return schema


class Contract(APIView):
    """The OpenAPI document."""

    access = access.PUBLIC
    schema = None

    def get(self, _request: Request) -> Response:
        """The document itself."""
        return Response(document(), headers={"Cache-Control": "public, max-age=300"})


class Docs(SpectacularSwaggerSplitView):
    """The document as a page; its script is a file, so that no policy must allow inline ones."""

    access = access.PUBLIC
    schema = None
    url_name = "openapi"
