"""The agreement: to see, to buy, to change and to end."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.customers import portal
from billing.errors import PriceNotAvailable
from billing.models import Price
from billing.subscriptions import changes, checkout, subscriptions
from billing.subscriptions.serializers import (
    CancellationSerializer,
    CheckoutLinkSerializer,
    CheckoutSerializer,
    PlanChangeSerializer,
    PortalLinkSerializer,
    PortalSerializer,
    SubscriptionSerializer,
    shown,
)
from identity.authentication import bound_to
from kit.serializers import body, nothing
from kit.views import APIView
from tenancy.views import ControlPlaneScope


class SubscriptionView(ControlPlaneScope, APIView):
    """Show the subscription: the live one, or the last that was."""

    access = "subscription.read"
    resource = "subscription"

    @extend_schema(responses=SubscriptionSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(shown(subscriptions.find_current(self.organization)))


class CheckoutView(ControlPlaneScope, APIView):
    """Open a payment page; the number of seats is counted here, and an older page closed."""

    access = "billing.manage"
    resource = "checkout"

    @extend_schema(request=CheckoutSerializer, responses={201: CheckoutLinkSerializer})
    def post(self, request: Request, **_: object) -> Response:
        asked = body(request, CheckoutSerializer)
        page = checkout.create(
            organization=self.organization,
            price=on_sale(asked["price_id"]),
            success_url=asked["success_url"],
            cancel_url=asked["cancel_url"],
            email=bound_to(request).member.email,
        )
        link = {"url": page.url, "expires_at": page.expires_at}
        return Response(CheckoutLinkSerializer(link).data, status.HTTP_201_CREATED)


class PortalView(ControlPlaneScope, APIView):
    """Open Stripe's pages for invoices and payment methods; the link lasts minutes."""

    access = "billing.manage"
    resource = "portal"

    @extend_schema(request=PortalSerializer, responses={201: PortalLinkSerializer})
    def post(self, request: Request, **_: object) -> Response:
        asked = body(request, PortalSerializer)
        url = portal.create(
            organization=self.organization,
            return_url=asked["return_url"],
            email=bound_to(request).member.email,
        )
        return Response(PortalLinkSerializer({"url": url}).data, status.HTTP_201_CREATED)


class CancelView(ControlPlaneScope, APIView):
    """End the subscription with the paid period, or now."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_cancel"

    @extend_schema(request=CancellationSerializer, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        asked = body(request, CancellationSerializer)
        end = changes.cancel if asked["at_period_end"] else changes.cancel_now
        return Response(shown(end(organization=self.organization)))


class ResumeView(ControlPlaneScope, APIView):
    """Take back a scheduled end, or go on after a pause."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_resume"

    @extend_schema(request=None, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        nothing(request)
        return Response(shown(changes.resume(organization=self.organization)))


class ChangeView(ControlPlaneScope, APIView):
    """Move to another price; the seats are counted again in the same call."""

    access = "billing.manage"
    resource = "subscription"
    operation = "subscription_change"

    @extend_schema(request=PlanChangeSerializer, responses=SubscriptionSerializer)
    def post(self, request: Request, **_: object) -> Response:
        price = on_sale(body(request, PlanChangeSerializer)["price_id"])
        return Response(shown(changes.change(organization=self.organization, price=price)))


def on_sale(price_id: UUID) -> Price:
    """A price anyone may choose. Raises PriceNotAvailable."""
    found = Price.objects.on_sale().filter(pk=price_id, plan__is_public=True)
    price = found.select_related("plan").first()
    if price is None:
        raise PriceNotAvailable
    return price
