"""System checks for declared access and unique problem codes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver
from django.views import View

from kit import access, errors


@register()
def every_route_declares_access(**_: object) -> list[CheckMessage]:
    """Report kit.E001 for each view that declares no access and would refuse everyone."""
    return [
        Error(
            f"{view.__module__}.{view.__name__} declares no access for: {', '.join(missing)}.",
            hint='Set access = "noun.verb", or a mapping from action to permission.',
            id="kit.E001",
        )
        for view, missing in undeclared(get_resolver().url_patterns)
    ]


@register()
def every_problem_has_its_own_code(**_: object) -> list[CheckMessage]:
    """Report kit.E002 for two problems with one code, because clients branch on it."""
    counted = Counter(kind.code for kind in errors.list_problems())
    return [
        Error(f"Two problems share the code {code!r}.", id="kit.E002")
        for code, times in counted.items()
        if times > 1
    ]


def undeclared(
    patterns: Sequence[URLPattern | URLResolver],
) -> Iterator[tuple[type[View], list[str]]]:
    """Return the views among `patterns` without declared access, with the actions concerned."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from undeclared(pattern.url_patterns)
            continue
        callback: Any = pattern.callback
        # Only DRF names a view's class so; importing DRF here would load every slice too early.
        view = getattr(callback, "cls", None)
        if view is not None:
            missing = list(access.list_undeclared(view, getattr(callback, "actions", None)))
            if missing:
                yield view, missing
