"""Mixins of organization-scoped views, which resolve the organization of the path."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from kit.errors import NotFound, Unauthenticated
from tenancy import routing
from tenancy.errors import OrganizationMigrating, OrganizationSuspended
from tenancy.models import Organization

if TYPE_CHECKING:
    from kit.views import APIView as Base
else:
    Base = object

State = Organization.State


class ControlPlaneScope(Base):
    """Resolve the organization from the URL's `slug` for views of rows in the public schema.

    Sets `self.organization`. The path must name the session's organization: any other answers
    exactly as one that does not exist.
    """

    organization: Organization

    def enter(self, request: Request) -> None:
        """Resolve. Raises Unauthenticated, NotFound, OrganizationSuspended/Migrating."""
        super().enter(request)
        bound = request.auth
        if bound is None:
            raise Unauthenticated
        organization: Organization = bound.organization  # type: ignore[union-attr]  # DRF's stubs know their own Token only
        if organization.is_deleted or not organization.is_named(self.kwargs["slug"]):
            raise NotFound
        if organization.state == State.SUSPENDED:
            raise OrganizationSuspended("Its admins got a mail with the reason. Contact support.")
        if organization.state == State.MIGRATING:
            raise OrganizationMigrating(retry_after=5)
        self.organization = organization


class OrganizationScope(ControlPlaneScope):
    """The same for rows in the organization's own schema, which is entered.

    For views that name a feature, too: how much of it is used is counted there.
    """

    def enter(self, request: Request) -> None:
        """Resolve the organization and enter its schema, with the same errors."""
        super().enter(request)
        routing.enter_schema(self.organization)
