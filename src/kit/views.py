"""Base views, which check access, queries and bodies in one order."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework import mixins, views
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from kit import access, filters, pagination
from kit.errors import AccessNotDeclared, MethodNotAllowed, NotFound, Problem, Unauthenticated

type Names = tuple[str, ...]


class APIView(views.APIView):
    """Handle requests for one verb.

    Set `access` on the class to a permission, `PUBLIC`, `SESSION`, or one per method.
    """

    access: ClassVar[str | Mapping[str, str]]
    query_parameters: ClassVar[Names | Mapping[str, Names]] = ()
    lists: ClassVar[frozenset[str]] = frozenset()
    rate_limited: ClassVar[frozenset[str]] = (
        frozenset()
    )  # actions whose service may refuse with 429
    problems: ClassVar[tuple[type[Problem], ...]] = ()  # refusals to name in the contract
    resource: ClassVar[str] = ""

    def initial(self, request: Request, *_args: object, **_kwargs: object) -> None:
        """Negotiate, authenticate, enter the organization, ask for permission, then throttle."""
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        request.version = request.versioning_scheme = None
        if request.method == "OPTIONS":
            return
        self._require_declaration(request)
        self.perform_authentication(request)
        self._require_session(request)
        self.enter(request)
        self.check_permissions(request)
        self.check_throttles(request)
        filters.refuse_unknown_parameters(request, self._known_parameters(request))

    def enter(self, request: Request) -> None:
        """Resolve and activate the organization, in views that have one."""

    def options(  # type: ignore[override]  # DRF hands views its own request
        self,
        request: Request,  # noqa: ARG002 - django.views.View calls it so
        *args: object,
        **kwargs: object,
    ) -> Response:
        """Name the methods, and nothing else."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return none for public access, so that a stale token cannot prevent sign-in."""
        request: HttpRequest | None = getattr(self, "request", None)
        if request is not None and access.get_declared_access(self, request) == access.PUBLIC:
            return []
        return super().get_authenticators()

    def _require_declaration(self, request: Request) -> None:
        if not hasattr(self, (request.method or "").lower()):
            raise MethodNotAllowed(headers={"Allow": ", ".join(self.allowed_methods)})
        if any("\0" in str(value) for value in self.kwargs.values()):
            raise NotFound
        if access.get_declared_access(self, request) is None:
            raise AccessNotDeclared

    def _require_session(self, request: Request) -> None:
        if request.auth is None and access.get_declared_access(self, request) != access.PUBLIC:
            raise Unauthenticated

    def _known_parameters(self, request: Request) -> set[str]:
        action = access.action_of(self, request)
        said = self.query_parameters
        known = set(said.get(action, ()) if isinstance(said, Mapping) else said)
        if action in self.lists:
            known |= filters.list_filter_names(self) | pagination.list_page_names(self)
        return known


class ViewSet(APIView, GenericViewSet[Any]):
    """Handle requests for a resource.

    Name it in `resource` and list further paginated actions in `lists`.
    """

    lists: ClassVar[frozenset[str]] = frozenset({"list"})


class ListMixin(mixins.ListModelMixin):
    """Answers GET on a collection with one filtered, ordered page."""


class RetrieveMixin(mixins.RetrieveModelMixin):
    """Answers GET on one object."""
