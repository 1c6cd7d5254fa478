"""What the organization may use."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.entitlements import entitlements
from billing.entitlements.serializers import FeatureAccessSerializer
from kit.views import APIView
from tenancy.views import OrganizationScope


class FeaturesView(OrganizationScope, APIView):
    """Show every feature by key, with whether it may be used and why."""

    access = "subscription.read"
    resource = "features"
    operation = "features_map"

    @extend_schema(
        responses={
            (200, "application/json"): {
                "type": "object",
                "additionalProperties": {"$ref": "#/components/schemas/FeatureAccess"},
            }
        }
    )
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        found = entitlements.all_features(self.organization)
        return Response({key: FeatureAccessSerializer(one).data for key, one in found.items()})


class FeatureView(OrganizationScope, APIView):
    """Show whether one feature may be used, and why."""

    access = "subscription.read"
    resource = "features"

    @extend_schema(responses=FeatureAccessSerializer)
    def get(self, request: Request, feature_key: str, **_: object) -> Response:  # noqa: ARG002
        found = entitlements.get_feature_access(self.organization, feature_key)
        return Response(FeatureAccessSerializer(found).data)
