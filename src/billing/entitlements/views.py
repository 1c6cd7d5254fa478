"""What the organization may use."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.serializers.features import FeatureAccessSerializer, SubscriptionContextSerializer
from billing.serializers.subscriptions import shown
from billing.services import contexts, entitlements
from identity.authentication import bound_to
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
        found = entitlements.of(self.organization, feature_key)
        return Response(FeatureAccessSerializer(found).data)


class SubscriptionContextView(OrganizationScope, APIView):
    """Show user, organization, subscription and features in one call, for a front end's start."""

    access = "subscription.read"
    resource = "subscription_context"
    tag = "features"

    @extend_schema(responses=SubscriptionContextSerializer)
    def get(self, request: Request, **_: object) -> Response:
        context = contexts.of(organization=self.organization, user=bound_to(request).member.user)
        context["subscription"] = shown(context["subscription"])
        return Response(SubscriptionContextSerializer(context).data)
