"""List objects with filters, newest first, in pages by cursor."""

from collections.abc import Iterable
from typing import Any

from sandbox.store import Document
from sandbox.stripe.protocol.errors import build_missing_error, build_parameter_error

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
COMPARISONS = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def build_list_page(found: Iterable[Document], params: dict[str, Any], *, url: str) -> Document:
    """Return one page of objects, newest first as Stripe does, from objects oldest first."""
    limit = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise build_parameter_error("Invalid limit: must be between 1 and 100.", param="limit")
    newest = list(found)[::-1]
    start, stop = 0, len(newest)
    if after := params.get("starting_after"):
        start = find_list_position(newest, after, param="starting_after") + 1
    if before := params.get("ending_before"):
        stop = find_list_position(newest, before, param="ending_before")
        window = newest[max(0, stop - limit) : stop]
        return {"object": "list", "data": window, "has_more": stop > limit, "url": url}
    window = newest[start : start + limit]
    return {"object": "list", "data": window, "has_more": start + limit < stop, "url": url}


def find_list_position(entries: list[Document], id_: str, *, param: str) -> int:
    """Return the position of an object in the list."""
    for index, entry in enumerate(entries):
        if entry["id"] == id_:
            return index
    raise build_missing_error("object", id_, param=param)


def is_time_within(value: int, wanted: int | dict[str, int] | None) -> bool:
    """Return whether a time is in the requested range, where no range matches all."""
    if wanted is None or isinstance(wanted, int):
        return wanted is None or value == wanted
    return all(COMPARISONS[name](value, bound) for name, bound in wanted.items())


def is_matching_filters(doc: Document, params: dict[str, Any], *names: str) -> bool:
    """Return whether the named fields equal the requested values, where requested."""
    return all(doc.get(name) == params[name] for name in names if name in params)
