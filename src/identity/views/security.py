"""The security settings of an organization."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.serializers.security import SecuritySerializer
from identity.services import security
from kit.views import APIView
from tenancy.views import ControlPlaneScope


class SecurityView(ControlPlaneScope, APIView):
    """Who may join the organization by themselves, and how its members sign in."""

    access = {"get": "security.read", "patch": "security.update"}
    resource = "security"
    tag = "organizations"

    @extend_schema(responses=SecuritySerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        """Return the settings as the directory has them now."""
        return Response(SecuritySerializer(security.read_security(self.organization)).data)

    @extend_schema(request=SecuritySerializer, responses=SecuritySerializer)
    def patch(self, request: Request, **_: object) -> Response:
        """Change settings, at the directory first.

        Sessions that exist stay valid. Answers 409 `no_sign_in_method` when no one could sign in.
        """
        read = SecuritySerializer(data=request.data, partial=True)
        read.is_valid(raise_exception=True)
        changed = security.update_security(self.organization, **read.validated_data)
        return Response(SecuritySerializer(changed).data)
