"""The permission class that requires a view's feature to be in the plan."""

from dataclasses import asdict

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from billing.entitlements import entitlements
from billing.errors import FeatureNotAvailable
from identity.authentication import get_request_context
from kit import access
from tenancy.models import Organization


class DeclaredFeature(BasePermission):
    """Answer 402 with the FeatureAccess where a view's feature is missing."""

    def has_permission(self, request: Request, view: View) -> bool:
        """Return True, or raise FeatureNotAvailable with what a front end needs."""
        asked = access.get_declared_feature(view, request)
        if asked is not None:
            require_feature(get_request_context(request).organization, asked)
        return True


def require_feature(organization: Organization, feature_key: str) -> None:
    """Refuse what the organization's plan does not include. Raises FeatureNotAvailable."""
    found = entitlements.get_feature_access(organization, feature_key)
    if not found.has_access:
        raise FeatureNotAvailable(found.upgrade_prompt or "", feature=asdict(found))
