"""Base classes of the admin pages, which show rows without letting staff edit them."""

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

from kit import actor as actors
from kit.actor import Actor

EMPTY_VALUE: Final = "–"
SUCCESS_STATES: Final = (
    "active accepted automatic claimed done in_sync paid processed succeeded verified"
)  # fmt: skip
WARNING_STATES: Final = (
    "doing in_flight incomplete migrating open past_due paused pending processing reserved retrying"
    " suspended syncing todo trialing drifted over_limit"
)
DANGER_STATES: Final = "aborted deleted failed refused uncollectible unpaid unverified"
BADGE_COLORS: Final = (
    dict.fromkeys(SUCCESS_STATES.split(), "success")
    | dict.fromkeys(WARNING_STATES.split(), "warning")
    | dict.fromkeys(DANGER_STATES.split(), "danger")
)


class BaseAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """What every list and page of ours has in common."""

    show_full_result_count = False  # a second count of the whole table for every list
    list_per_page = 50
    list_filter_submit = False
    empty_value_display = EMPTY_VALUE

    def heading(self, row: Any) -> str:
        """Return a page's heading, since `str()` of a row holds no ids or addresses of people."""
        return str(row)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *positional: Any,
        **named: Any,
    ) -> HttpResponse:
        """Render the page with `heading` as its title."""
        if row := context.get("original"):
            heading = self.heading(row)
            context |= {"original": Heading(row, heading), "subtitle": heading}
        return super().render_change_form(request, context, *positional, **named)  # type: ignore[no-any-return]

    @admin.display(description="see also")
    def related(self, row: Model) -> SafeString:
        """Return links to the lists of related rows, as far as the admin shows them."""
        links = format_html_join(
            ", ", '<a href="{}" class="text-primary-600">{}</a>', list_related_links(row)
        )
        return links or format_html(EMPTY_VALUE)


class Heading:
    """As much of a row as the head of its page asks for."""

    def __init__(self, row: Model, text: str) -> None:
        self.pk = row.pk
        self.text = text
        self._meta = get_options(row)

    def __str__(self) -> str:
        return self.text


class ReadOnly(BaseAdmin):
    """Show rows that only a vendor or a service writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Return False, because only services write."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Return False, because only services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Return False, because only services write."""
        return False


def list_related_links(row: Model) -> Iterator[tuple[str, str]]:
    """Return the address and name of each list of related rows, and of pages of the row itself."""
    lists: dict[type[Model], str] = {}
    for relation in get_options(row).related_objects:
        if admin.site.is_registered(relation.related_model):
            lists.setdefault(relation.related_model, relation.field.name)
    for model, field in lists.items():
        address = reverse(name_admin_page(model, "changelist"))
        yield f"{address}?{field}__id__exact={row.pk}", str(get_options(model).verbose_name_plural)
    for model in admin.site._registry:  # noqa: SLF001 - Django has no other list of them
        if get_options(model).proxy and get_options(model).concrete_model is type(row):
            address = reverse(name_admin_page(model, "change"), args=[row.pk])
            yield address, str(get_options(model).verbose_name)


def link_to_row(row: Model, *, text: str = "") -> SafeString:
    """Return a link to a row's page, labelled by its name or by `text`."""
    address = reverse(name_admin_page(row, "change"), args=[row.pk])
    return format_html('<a href="{}" class="text-primary-600">{}</a>', address, text or row)


def name_admin_page(model: Model | type[Model], kind: str) -> str:
    """Return the URL name of an admin page."""
    return f"admin:{get_options(model).app_label}_{get_options(model).model_name}_{kind}"


def get_options(model: Model | type[Model]) -> "Options[Any]":
    """Return the `_meta` of a model."""
    return model._meta  # noqa: SLF001 - documented, in spite of its name


def state_badge(field: str, *, ordering: str = "") -> Callable[[object, Model], tuple[str, str]]:
    """Return an admin column that shows a state in the colour of its meaning."""

    @display(description=field.replace("_", " "), ordering=ordering or field, label=BADGE_COLORS)  # type: ignore[untyped-decorator]  # unfold ships no types
    def shown(_admin: object, row: Model) -> tuple[str, str]:
        value = getattr(row, field) or EMPTY_VALUE
        return value, value.replace("_", " ")

    return shown  # type: ignore[no-any-return]


def format_structured(value: object) -> SafeString:
    """Format JSON with indentation for people."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; margin: 0">{}</pre>', text)


def format_actor(actor: Mapping[str, str]) -> str:
    """Format an actor as jobs and pending changes store it."""
    return f"{actor.get('kind', '')} {actor.get('id', '')}".strip() or EMPTY_VALUE


def act_as_staff(request: HttpRequest) -> AbstractContextManager[Actor]:
    """Act as the member of staff who asks."""
    return actors.act_as(Actor(kind="operator", id=str(request.user.pk)))
