"""How the admin behaves everywhere: replicas are read, states coloured, related rows a click away."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from kit import actor as callers
from kit.actor import Caller

NOTHING: Final = "–"
GOOD: Final = (
    "active accepted automatic claimed done in_sync paid processed succeeded verified"
)  # fmt: skip
WAITING: Final = (
    "doing in_flight incomplete migrating open past_due paused pending processing reserved retrying"
    " suspended syncing todo trialing drifted over_limit"
)
BAD: Final = "aborted deleted failed refused uncollectible unpaid unverified"
TONES: Final = (
    dict.fromkeys(GOOD.split(), "success")
    | dict.fromkeys(WAITING.split(), "warning")
    | dict.fromkeys(BAD.split(), "danger")
)


class Staffed(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What every list and page of ours has in common."""

    show_full_result_count = False  # a second count of the whole table for every list
    list_per_page = 50
    list_filter_submit = False
    empty_value_display = NOTHING

    def heading(self, row: Any) -> str:
        """What a row's page is headed by; ids and addresses of people are not in `str()`."""
        return str(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *positional: Any,
        **named: Any,
    ) -> HttpResponse:
        """A page with our heading."""
        if row := context.get("original"):
            heading = self.heading(row)
            context |= {"original": Heading(row, heading), "subtitle": heading}
        return super().render_change_form(request, context, *positional, **named)  # type: ignore[no-any-return]

    @admin.display(description="see also")
    def related(self, row: Model) -> SafeString:
        """The lists of what belongs to this row, as far as the admin shows them."""
        links = format_html_join(", ", '<a href="{}" class="text-primary-600">{}</a>', see(row))
        return links or format_html(NOTHING)


class Heading:
    """As much of a row as the head of its page asks for."""

    def __init__(self, row: Model, text: str) -> None:
        self.pk = row.pk
        self.text = text
        self._meta = options(row)

    def __str__(self) -> str:
        return self.text


class ReadOnly(Staffed):
    """Rows that a vendor or a service writes: looked at, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Only services write."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Only services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Only services write."""
        return False


def see(row: Model) -> Iterator[tuple[str, str]]:
    """The address and name of each list that holds rows of `row`."""
    lists: dict[type[Model], str] = {}
    for relation in options(row).related_objects:
        if admin.site.is_registered(relation.related_model):
            lists.setdefault(relation.related_model, relation.field.name)
    for model, field in lists.items():
        address = reverse(page(model, "changelist"))
        yield f"{address}?{field}__id__exact={row.pk}", str(options(model).verbose_name_plural)


def link(row: Model, *, text: str = "") -> SafeString:
    """A row's own page, by its name or by `text`."""
    address = reverse(page(row, "change"), args=[row.pk])
    return format_html('<a href="{}" class="text-primary-600">{}</a>', address, text or row)


def page(model: Model | type[Model], kind: str) -> str:
    """The name of an admin page's address."""
    return f"admin:{options(model).app_label}_{options(model).model_name}_{kind}"


def options(model: Model | type[Model]) -> "Options[Any]":
    """What Django knows of a model."""
    return model._meta  # noqa: SLF001 - documented, in spite of its name


def badge(field: str) -> Callable[[object, Model], tuple[str, str]]:
    """A column for a state or status, in the colour of what it means."""

    @display(description=field.replace("_", " "), ordering=field, label=TONES)  # type: ignore[untyped-decorator]  # unfold ships no types
    def shown(_admin: object, row: Model) -> tuple[str, str]:
        value = getattr(row, field) or NOTHING
        return value, value.replace("_", " ")

    return shown  # type: ignore[no-any-return]


def pretty(value: object) -> SafeString:
    """Structured text as a person reads it."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', text)


def who(caller: Mapping[str, str]) -> str:
    """A caller, as jobs and intents carry it."""
    return f"{caller.get('kind', '')} {caller.get('id', '')}".strip() or NOTHING


def acting(request: HttpRequest) -> AbstractContextManager[Caller]:
    """Act as the member of staff who asks."""
    return callers.use(Caller(kind="operator", id=str(request.user.pk)))
