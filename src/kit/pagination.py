"""Paginate by keyset, so that pages stay stable under inserts at constant cost."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self
from uuid import UUID

from django.core import signing
from django.db.models import BooleanField, F, Func, Model, QuerySet, TextField, Value
from django.db.models.expressions import CombinedExpression
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from kit.errors import FieldError, InvalidCursor, Malformed

DEFAULT_LIMIT: Final = 50
MAXIMUM_LIMIT: Final = 200
_signer = signing.Signer(salt="kit.pagination")
_types: Final[dict[str, Any]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "UUID": UUID,
    "Decimal": Decimal,
    "int": int,
    "str": str,
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hold a position in one list as its ordering, its direction and the last row."""

    ordering: str
    binding: str
    backwards: bool
    position: tuple[object, object]

    def encode(self) -> str:
        """Return signed text for a URL, so that only cursors issued here are read."""
        position = [[type(value).__name__, str(value)] for value in self.position]
        return _signer.sign_object([self.ordering, self.binding, self.backwards, position])

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return the cursor that `encode` made. Raises InvalidCursor for anything else."""
        try:
            ordering, binding, backwards, position = _signer.unsign_object(text)
            value, key = (_types[kind](text) for kind, text in position)
        except (signing.BadSignature, ValueError, KeyError, TypeError) as error:
            raise InvalidCursor from error
        return cls(ordering, binding, backwards, (value, key))


class KeysetPagination(BasePagination):
    """`{next, previous, results}`, ordered by one column and then by id.

    A view names its columns in `ordering_fields` (a tuple, or a mapping from the name callers
    use to the column) and its default in `ordering`; columns must not be nullable.
    """

    request: Request
    cursor: Cursor | None
    start: Cursor

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: APIView | None = None,
    ) -> list[Any]:
        """Return one page of rows, read with one query."""
        if not isinstance(queryset, QuerySet):
            raise TypeError("keyset pagination reads query sets")
        self.request = request
        ordering = _get_ordering(request, view)
        self.start = Cursor(ordering, _digest_query(request), backwards=False, position=("", ""))
        self.cursor = self._cursor(request)
        limit = _get_limit(request)
        self.column = _get_column(view, ordering.removeprefix("-"))
        rows = list(self._window(queryset)[: limit + 1])
        self.has_more = len(rows) > limit
        self.page = rows[:limit]
        if self.cursor and self.cursor.backwards:
            self.page.reverse()
        return self.page

    def get_paginated_response(self, data: object) -> Response:
        """Return the page with its links."""
        return Response({**self.links(), "results": data})

    def links(self) -> dict[str, str | None]:
        """Return the URLs of the neighbouring pages, None where there is none."""
        backwards = bool(self.cursor and self.cursor.backwards)
        has_next = backwards or self.has_more
        has_previous = self.has_more if backwards else self.cursor is not None
        return {
            "next": self._link(-1, backwards=False) if has_next else None,
            "previous": self._link(0, backwards=True) if has_previous else None,
        }

    def _cursor(self, request: Request) -> Cursor | None:
        text = request.query_params.get("cursor")
        if text is None:
            return None
        cursor = Cursor.decode(text)
        if (cursor.ordering, cursor.binding) != (self.start.ordering, self.start.binding):
            raise InvalidCursor
        return cursor

    def _window(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        descending = self.start.ordering.startswith("-")
        if self.cursor:
            descending ^= self.cursor.backwards
            queryset = queryset.filter(
                _build_condition(self.column, self.cursor.position, descending)
            )
        sign = "-" if descending else ""
        return queryset.order_by(f"{sign}{self.column}", f"{sign}pk")

    def _link(self, index: int, *, backwards: bool) -> str | None:
        if not self.page:
            return None
        row = self.page[index]
        position = (_read_cursor(row, self.column), row.pk)
        cursor = replace(self.start, backwards=backwards, position=position)
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor.encode())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the page's schema in OpenAPI 3.1 (no `nullable`)."""
        link = {"type": ["string", "null"], "format": "uri", "maxLength": 8_000}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "The following page, if there is one."},
                "previous": {**link, "description": "The page before, if there is one."},
                "results": {**schema, "maxItems": MAXIMUM_LIMIT},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """`limit`, `cursor`, and `ordering` where the view offers a choice."""
        limit = {"type": "integer", "minimum": 1, "maximum": MAXIMUM_LIMIT, "default": 50}
        cursor = {"type": "string", "maxLength": 2_000}
        parameters = [
            _parameter("limit", "How many rows a page holds.", limit),
            _parameter("cursor", "Where the page starts: follow `next` and `previous`.", cursor),
        ]
        if fields := list(getattr(view, "ordering_fields", ())):
            default = getattr(view, "ordering", "-created_at")
            choices = [sign + name for name in fields for sign in ("", "-")]
            schema = {"type": "string", "enum": choices, "default": default}
            parameters.append(_parameter("ordering", "Order of the rows; `-` reverses.", schema))
        return parameters


def list_page_names(view: APIView) -> set[str]:
    """Return the query parameters pagination adds to a list of `view`."""
    return {"limit", "cursor", *(["ordering"] if getattr(view, "ordering_fields", ()) else [])}


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _build_condition(
    column: str,
    position: Sequence[object],
    descending: bool,  # noqa: FBT001 - private
) -> CombinedExpression:
    """Build `ROW(column, id) < ROW(x, y)`, which one index answers."""
    row = Func(F(column), F("pk"), function="ROW", output_field=TextField())
    place = Func(*map(Value, position), function="ROW", output_field=TextField())
    sign = "<" if descending else ">"
    return CombinedExpression(row, sign, place, output_field=BooleanField())


def _read_cursor(row: Model, column: str) -> object:
    value: object = row
    for part in column.split("__"):
        value = getattr(value, part)
    return value


def _get_column(view: APIView | None, name: str) -> str:
    fields = getattr(view, "ordering_fields", ())
    return str(fields.get(name, name)) if isinstance(fields, Mapping) else name


def _get_ordering(request: Request, view: APIView | None) -> str:
    default: str = getattr(view, "ordering", "-created_at")
    fields = getattr(view, "ordering_fields", ())
    asked = request.query_params.get("ordering")
    if not fields or asked is None:
        return default
    if asked.removeprefix("-") not in fields:
        detail = f"Order by one of {', '.join(fields)}."
        raise Malformed(errors=[FieldError("?ordering", "invalid_choice", detail)])
    return asked


def _get_limit(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if text.isascii() and text.isdecimal() and len(text) < 10:
        limit = int(text)
        if 1 <= limit <= MAXIMUM_LIMIT:
            return limit
    detail = f"Ask for 1 to {MAXIMUM_LIMIT} rows."
    raise Malformed(errors=[FieldError("?limit", "out_of_range", detail)])


def _digest_query(request: Request) -> str:
    """Return a digest of the path, filters and organization that select the rows."""
    filters = sorted(
        (name, values)
        for name, values in request.query_params.lists()
        if name not in ("limit", "cursor", "ordering")
    )
    organization = getattr(getattr(request.auth, "organization", None), "id", None)
    text = repr((request.path, filters, str(organization)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
