"""The permission class that gates features: what a view declares must be in the plan."""

from dataclasses import asdict

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from billing.entitlements import entitlements
from billing.errors import FeatureNotAvailable
from identity.authentication import bound_to
from kit import access
from tenancy.models import Organization


class DeclaredFeature(BasePermission):
    """A view that names a feature answers 402 with the FeatureAccess to whoever lacks it."""

    def has_permission(self, request: Request, view: View) -> bool:
        """True, or FeatureNotAvailable with everything a front end needs to say no."""
        asked = access.feature(view, request)
        if asked is not None:
            require_feature(bound_to(request).organization, asked)
        return True


def require_feature(organization: Organization, feature_key: str) -> None:
    """Refuse what the organization's plan does not include. Raises FeatureNotAvailable."""
    found = entitlements.of(organization, feature_key)
    if not found.has_access:
        raise FeatureNotAvailable(found.upgrade_prompt or "", feature=asdict(found))
