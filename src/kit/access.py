"""Declared access: each view says what it asks of a caller; classes named in settings decide."""

from collections.abc import Iterator
from typing import Final, Protocol
from uuid import UUID

from django.http import HttpRequest
from django.views import View
from rest_framework.request import Request

PUBLIC: Final = "public"  # no session is asked for, and none is read
SESSION: Final = "session"  # any valid session, whatever its organization


class BoundOrganization(Protocol):
    """The organization a session was made for."""

    @property
    def id(self) -> UUID: ...
    @property
    def slug(self) -> str: ...


class BoundMember(Protocol):
    """The member a session was made for."""

    @property
    def id(self) -> UUID: ...
    @property
    def role(self) -> str: ...


class Bound(Protocol):
    """What `request.auth` is: the organization, member and permissions behind a valid token."""

    @property
    def organization(self) -> BoundOrganization: ...
    @property
    def member(self) -> BoundMember | None: ...
    @property
    def session_id(self) -> str: ...
    @property
    def permissions(self) -> frozenset[str]: ...


def declared(view: View, request: HttpRequest | Request) -> str | None:
    """The access `view` declares for this request, as `access`; None is a refusal."""
    return _spoken(view, request, "access")


def feature(view: View, request: HttpRequest | Request) -> str | None:
    """The feature `view` declares for this request, as `feature`; None asks for no feature."""
    return _spoken(view, request, "feature")


def undeclared(view_class: type[View], actions: dict[str, str] | None) -> Iterator[str]:
    """The actions or methods of one route for which `view_class` says nothing."""
    said = getattr(view_class, "access", None)
    if isinstance(said, str) and said:
        return
    methods = [name for name in view_class.http_method_names if name not in ("head", "options")]
    names = (
        {action for method, action in actions.items() if method != "head"}
        if actions
        else {name for name in methods if hasattr(view_class, name)}
    )
    yield from sorted(name for name in names if not (said or {}).get(name))


def _spoken(view: View, request: HttpRequest | Request, attribute: str) -> str | None:
    said = getattr(view, attribute, None)
    if isinstance(said, dict):
        return said.get(action_of(view, request)) or None
    return said or None


def action_of(view: View, request: HttpRequest | Request) -> str:
    """The view set's action, or for a plain view the method; HEAD asks what GET asks."""
    method = (request.method or "").lower()
    method = "get" if method == "head" else method
    actions: dict[str, str] | None = getattr(view, "action_map", None)
    return method if actions is None else actions.get(method, "")
