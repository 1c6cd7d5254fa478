"""Filter lists strictly, refusing undeclared parameters and values without a meaning."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from kit import access
from kit.errors import FieldError, Malformed, UnknownParameter

MAX_VALUE_LENGTH: Final = 2_000  # a cursor is the longest
MAX_ERRORS_SHOWN: Final = 20


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]  # ships no types
    """django-filter over an allow-listed `filterset_class`, on lists only.

    Declare one filter per parameter: ranges as two (`created_after`, `created_before`).
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Return the rows the query asks for. Raises Malformed if a value is wrong or empty."""
        if access.action_of(view, request) not in getattr(view, "lists", ()):
            return queryset
        filterset: FilterSet | None = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if errors := list(_list_errors(filterset)):
            raise Malformed(errors=errors)
        rows: QuerySet[Any] = filterset.qs
        return rows


def list_filter_names(view: APIView) -> set[str]:
    """Return the query parameters the filters of `view` add to its lists."""
    filterset: type[FilterSet] | None = getattr(view, "filterset_class", None)
    return set(filterset.base_filters) if filterset else set()


def refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """Raise UnknownParameter for names not in `known`, and Malformed for unusable values."""
    query = request.query_params
    if unknown := [name for name in query if name not in known]:
        raise UnknownParameter(
            "The call knows " + (", ".join(sorted(known)) or "no query parameters") + ".",
            [
                FieldError(f"?{name}", "unknown_parameter", "This parameter does not exist.")
                for name in unknown[:MAX_ERRORS_SHOWN]
            ],
        )
    for name, values in query.lists():
        if any("\0" in value for value in values):
            code, detail = "null_characters_not_allowed", "NUL is not text."
        elif any(len(value) > MAX_VALUE_LENGTH for value in values):
            code, detail = "max_length", f"Use at most {MAX_VALUE_LENGTH} characters."
        else:
            continue
        raise Malformed(errors=[FieldError(f"?{name}", code, detail)])


def _list_errors(filterset: FilterSet) -> Iterator[FieldError]:
    # An empty value would silently mean "everything".
    for name in filterset.filters:
        if filterset.data.get(name) == "":
            yield FieldError(f"?{name}", "blank", "Leave the parameter out or give it a value.")
    for name, errors in filterset.form.errors.as_data().items():
        for error in errors:
            yield FieldError(f"?{name}", error.code or "invalid", " ".join(error.messages))
