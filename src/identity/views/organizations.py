"""The organization itself, and who may do what in it."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity import roles
from identity.serializers.organizations import OrganizationSerializer, PermissionsSerializer
from identity.services import organizations
from kit.permissions import list_declared
from kit.views import APIView
from tenancy.views import ControlPlaneScope


class OrganizationView(ControlPlaneScope, APIView):
    """One organization."""

    access = {"get": "organization.read", "patch": "organization.update"}
    resource = "organizations"

    @extend_schema(responses=OrganizationSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        """Return the organization."""
        return Response(OrganizationSerializer(self.organization).data)

    @extend_schema(request=OrganizationSerializer, responses=OrganizationSerializer)
    def patch(self, request: Request, **_: object) -> Response:
        """Change its name or slug, at Stytch first."""
        read = OrganizationSerializer(self.organization, data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        renamed = organizations.rename_organization(self.organization, **read.validated_data)
        return Response(OrganizationSerializer(renamed).data)


class PermissionsView(ControlPlaneScope, APIView):
    """The table of roles and permissions, the same for every organization."""

    access = "permission.read"
    resource = "permissions"
    operation = "permissions_list"

    @extend_schema(responses=PermissionsSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        table = [
            {
                "name": permission.name,
                "description": permission.description,
                "roles": [role for role in roles.Role if role in permission.holders],
            }
            for permission in list_declared()
        ]
        shown = {"roles": list(roles.Role), "permissions": table}
        return Response(PermissionsSerializer(shown).data)
