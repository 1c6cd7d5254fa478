"""The permission class that requires a view's feature to be in the plan."""

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from billing.entitlements import entitlements
from identity.authentication import get_request_context
from kit import access


class DeclaredFeature(BasePermission):
    """Answer 402 with the FeatureAccess where a view's feature is missing."""

    def has_permission(self, request: Request, view: View) -> bool:
        """Return True, or raise FeatureNotAvailable with what a front end needs."""
        asked = access.get_declared_feature(view, request)
        if asked is not None:
            entitlements.require_feature(get_request_context(request).organization, asked)
        return True
