"""The views of seats.

The state, the preview, the ledger, and a sync now.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import SeatChange
from billing.seats import ledger, preview
from billing.seats import report as seats_report
from billing.seats.serializers import (
    SeatChangeSerializer,
    SeatCostSerializer,
    SeatPreviewSerializer,
    SeatsSerializer,
)
from kit.serializers import read_body, require_empty_body
from kit.views import APIView, ListMixin, ViewSet
from tenancy.views import ControlPlaneScope


class SeatsView(ControlPlaneScope, APIView):
    """Show what is counted, what should be billed, and what the payment provider bills."""

    access = "seats.read"
    resource = "seats"

    @extend_schema(responses=SeatsSerializer)
    def get(self, request: Request, **_: object) -> Response:  # noqa: ARG002 - DRF's signature
        return Response(SeatsSerializer(seats_report.build_report(self.organization)).data)


class SeatPreviewView(ControlPlaneScope, APIView):
    """Ask what more seats, or another role, would cost now and at the next invoice."""

    access = "seats.manage"
    resource = "seats"
    operation = "seats_preview"

    @extend_schema(request=SeatPreviewSerializer, responses=SeatCostSerializer)
    def post(self, request: Request, **_: object) -> Response:
        asked = read_body(request, SeatPreviewSerializer)
        if "add" in asked:
            cost = preview.preview_addition(organization=self.organization, seats=asked["add"])
        else:
            cost = preview.preview_role_change(organization=self.organization, **asked)
        return Response(SeatCostSerializer(cost).data)


class SeatSyncView(ControlPlaneScope, APIView):
    """Ask for a sync now, also of a quantity that was refused before."""

    access = "seats.manage"
    resource = "seats"
    operation = "seats_sync"

    @extend_schema(request=None, responses={202: SeatsSerializer})
    def post(self, request: Request, **_: object) -> Response:
        require_empty_body(request)
        report = seats_report.request_sync(self.organization)
        return Response(SeatsSerializer(report).data, status.HTTP_202_ACCEPTED)


class SeatHistoryViewSet(ControlPlaneScope, ListMixin, ViewSet):
    """List the ledger.

    Who changed the seats, why, and what was sent.
    """

    access = "seats.manage"
    resource = "seat_history"
    tag = "seats"
    queryset = SeatChange.objects.none()  # the contract asks which model
    serializer_class = SeatChangeSerializer
    ordering = "-revision"

    def get_queryset(self) -> QuerySet[SeatChange]:
        """Return the organization's ledger."""
        return SeatChange.objects.filter(organization=self.organization)

    def paginate_queryset(self, queryset: QuerySet[Any] | Sequence[Any]) -> list[Any] | None:
        """Return a page, with what was sent to the provider."""
        page = super().paginate_queryset(queryset)
        ledger.attach_attempts(page or [])
        return page
