"""The permission class every view obeys: what a view declares, the member's role must contain."""

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from identity.authentication import bound_to
from kit import access
from kit.errors import AccessNotDeclared, Forbidden


class DeclaredAccess(BasePermission):
    """Silence is refusal, and so is a permission the caller's role does not contain."""

    def has_permission(self, request: Request, view: View) -> bool:
        """True, or Forbidden that names what is missing."""
        asked = access.declared(view, request)
        if asked is None:
            raise AccessNotDeclared
        if asked in {access.PUBLIC, access.SESSION}:
            return True
        if asked not in bound_to(request).permissions:
            raise Forbidden(f"It takes the permission {asked}.", permission=asked)
        return True
