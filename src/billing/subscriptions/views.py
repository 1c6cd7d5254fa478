"""The views to see, buy, change and end a subscription."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.customers import portal
from billing.errors import PriceNotAvailable
from billing.models import Price
from billing.seats.serializers import SeatCostSerializer
from billing.subscriptions import changes, checkout, subscriptions
from billing.subscriptions.serializers import (
    CancellationSerializer,
    CheckoutLinkSerializer,
    CheckoutSerializer,
    PlanChangeSerializer,
    PortalLinkSerializer,
    PortalSerializer,
    SubscriptionSerializer,
    prepare_subscription,
)
from identity.authentication import get_request_context
from kit.serializers import read_body, require_empty_body
from kit.views import APIView
from tenancy.views import ControlPlaneScope


class SubscriptionView(ControlPlaneScope, APIView):
    """Show the subscription, the live one or the last one."""

    access = "subscription.read"
    resource = "subscription"

    @extend_schema(responses=SubscriptionSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(prepare_subscription(subscriptions.find_current(self.organization)))


class CheckoutView(ControlPlaneScope, APIView):
    """Open a payment page.

    The seats are counted here, and an older page is closed.
    """

    access = "billing.manage"
    resource = "checkout"

    @extend_schema(request=CheckoutSerializer, responses={201: CheckoutLinkSerializer})
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, CheckoutSerializer)
        page = checkout.open_checkout(
            organization=self.organization,
            price=get_public_price(asked["price_id"]),
            success_url=asked["success_url"],
            cancel_url=asked["cancel_url"],
            buyer=get_request_context(request).member,
        )
        link = {"url": page.url, "expires_at": page.expires_at}
        return Response(CheckoutLinkSerializer(link).data, status.HTTP_201_CREATED)


class PortalView(ControlPlaneScope, APIView):
    """Open the provider's pages for invoices and payment methods, by a link of some minutes."""

    access = "billing.manage"
    resource = "portal"

    @extend_schema(request=PortalSerializer, responses={201: PortalLinkSerializer})
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, PortalSerializer)
        url = portal.create_portal_link(
            organization=self.organization,
            return_url=asked["return_url"],
            email=get_request_context(request).member.email,
        )
        return Response(PortalLinkSerializer({"url": url}).data, status.HTTP_201_CREATED)


class CancelView(ControlPlaneScope, APIView):
    """End the subscription with the paid period, or now."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_cancel"

    @extend_schema(request=CancellationSerializer, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, CancellationSerializer)
        end = (
            changes.cancel_subscription if asked["at_period_end"] else changes.end_subscription_now
        )
        return Response(prepare_subscription(end(organization=self.organization)))


class ResumeView(ControlPlaneScope, APIView):
    """Take back a scheduled end, or go on after a pause."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_resume"

    @extend_schema(request=None, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        require_empty_body(request)
        return Response(
            prepare_subscription(changes.resume_subscription(organization=self.organization))
        )


class ChangeView(ControlPlaneScope, APIView):
    """Move to another price, with the seats counted again in the same call."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_change"

    @extend_schema(request=PlanChangeSerializer, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, PlanChangeSerializer)
        changed = changes.change_price(
            organization=self.organization,
            price=get_public_price(asked["price_id"]),
            keeps=asked["keep"],
        )
        return Response(prepare_subscription(changed))


class ChangePreviewView(ControlPlaneScope, APIView):
    """Ask what a move to another price would cost now and at the next invoice."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_preview"

    @extend_schema(request=PlanChangeSerializer, responses=SeatCostSerializer)
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, PlanChangeSerializer)
        cost = changes.preview_price(
            organization=self.organization,
            price=get_public_price(asked["price_id"]),
            keeps=asked["keep"],
        )
        return Response(SeatCostSerializer(cost).data)


def get_public_price(price_id: UUID) -> Price:
    """Return a price anyone may choose where their provider sells it. Raises PriceNotAvailable."""
    found = Price.objects.filter(pk=price_id, is_active=True, plan__is_public=True)
    price = found.select_related("plan").first()
    if price is None:
        raise PriceNotAvailable
    return price
