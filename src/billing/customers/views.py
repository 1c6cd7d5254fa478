"""The billing profile."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.customers import customers, profiles
from billing.customers.serializers import ProfileChangeSerializer, ProfileSerializer
from kit.serializers import read_body
from kit.views import APIView
from tenancy.views import ControlPlaneScope


class ProfileView(ControlPlaneScope, APIView):
    """Who pays, as invoices print it."""

    access = {"get": "billing.read", "patch": "billing.manage"}
    resource = "billing_profile"

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        """Show the billing profile."""
        return Response(ProfileSerializer(customers.get_profile(self.organization)).data)

    @extend_schema(request=ProfileChangeSerializer, responses=ProfileSerializer)
    def patch(self, request: Request, **_: object) -> Response:
        """Change the billing profile, at the payment provider first."""
        asked = read_body(request, ProfileChangeSerializer)
        changed = profiles.update_profile(organization=self.organization, fields=asked)
        return Response(ProfileSerializer(changed).data)
