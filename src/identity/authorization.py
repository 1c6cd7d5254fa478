"""The permission class of every view, which compares the declared access with the member's role."""

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from identity.authentication import get_request_context
from kit import access
from kit.errors import AccessNotDeclared, Forbidden


class DeclaredAccess(BasePermission):
    """Silence is refusal, and so is a permission the caller's role does not contain."""

    def has_permission(self, request: Request, view: View) -> bool:
        """Return True, or raise Forbidden that names the missing permission."""
        asked = access.get_declared_access(view, request)
        if asked is None:
            raise AccessNotDeclared
        if asked in {access.PUBLIC, access.SESSION}:
            return True
        if asked not in get_request_context(request).permissions:
            raise Forbidden(f"It takes the permission {asked}.", permission=asked)
        return True
