"""The subscription context."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.context import context
from billing.context.serializers import SubscriptionContextSerializer
from billing.subscriptions.serializers import prepare_subscription
from identity.authentication import get_request_context
from kit.views import APIView
from tenancy.views import OrganizationScope


class SubscriptionContextView(OrganizationScope, APIView):
    """Show user, organization, subscription and features in one call, for a front end's start."""

    access = "subscription.read"
    resource = "subscription_context"
    tag = "features"

    @extend_schema(responses=SubscriptionContextSerializer)
    def get(self, request: Request, **_: object) -> Response:
        found = context.build_context(
            organization=self.organization, context=get_request_context(request)
        )
        found["subscription"] = prepare_subscription(found["subscription"])
        return Response(SubscriptionContextSerializer(found).data)
