"""Declare what each view asks of a caller, checked by classes that the settings name."""

from collections.abc import Iterator
from typing import Final, Protocol
from uuid import UUID

from django.http import HttpRequest
from django.views import View
from rest_framework.request import Request

PUBLIC: Final = "public"  # no session is asked for, and none is read
SESSION: Final = "session"  # any valid session of any organization


class AuthOrganization(Protocol):
    """The organization a session was made for."""

    @property
    def id(self) -> UUID: ...
    @property
    def slug(self) -> str: ...


class AuthMember(Protocol):
    """The member a session was made for."""

    @property
    def id(self) -> UUID: ...
    @property
    def role(self) -> str: ...


class AuthContext(Protocol):
    """Hold the organization, member and permissions behind a valid token, as `request.auth`."""

    @property
    def organization(self) -> AuthOrganization: ...
    @property
    def member(self) -> AuthMember | None: ...
    @property
    def session_id(self) -> str: ...
    @property
    def permissions(self) -> frozenset[str]: ...


def get_declared_access(view: View, request: HttpRequest | Request) -> str | None:
    """Return the access `view` declares for this request, or None, which refuses everyone."""
    return _read_declaration(view, request, "access")


def get_declared_feature(view: View, request: HttpRequest | Request) -> str | None:
    """Return the feature `view` declares for this request, or None if it asks for none."""
    return _read_declaration(view, request, "feature")


def list_undeclared(view_class: type[View], actions: dict[str, str] | None) -> Iterator[str]:
    """List the actions or methods of one route for which `view_class` declares no access."""
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


def _read_declaration(view: View, request: HttpRequest | Request, attribute: str) -> str | None:
    said = getattr(view, attribute, None)
    if isinstance(said, dict):
        return said.get(action_of(view, request)) or None
    return said or None


def action_of(view: View, request: HttpRequest | Request) -> str:
    """Return the view set's action or, for a plain view, the method.

    HEAD asks what GET asks.
    """
    method = (request.method or "").lower()
    method = "get" if method == "head" else method
    actions: dict[str, str] | None = getattr(view, "action_map", None)
    return method if actions is None else actions.get(method, "")
