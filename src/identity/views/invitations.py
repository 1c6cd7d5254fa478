"""The invitations of an organization."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import get_request_context
from identity.filters import InvitationFilter
from identity.models import Invitation
from identity.roles import Role
from identity.serializers.organizations import (
    BulkInvitationsSerializer,
    BulkResultsSerializer,
    InvitationSerializer,
    NewInvitationSerializer,
)
from identity.services import bulk_invitations, invitations
from kit.errors import Problem
from kit.serializers import read_body, require_empty_body
from kit.views import ListMixin, RetrieveMixin, ViewSet
from tenancy.views import ControlPlaneScope


class InvitationViewSet(ControlPlaneScope, ListMixin, RetrieveMixin, ViewSet):
    """Offers to become a member."""

    access = {
        "list": "invitation.read",
        "retrieve": "invitation.read",
        "create": "invitation.create",
        "bulk": "invitation.create",
        "resend": "invitation.create",
        "destroy": "invitation.revoke",
    }
    resource = "invitations"
    rate_limited = frozenset({"create", "resend"})
    queryset = Invitation.objects.none()  # the contract asks which model
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    ordering_fields = ("created_at", "email", "expires_at")
    ordering = "-created_at"

    def get_queryset(self) -> QuerySet[Invitation]:
        """Return the invitations of the organization in the path."""
        return Invitation.objects.in_organization(self.organization)

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, **_: object) -> Response:
        """Invite an address.

        One pending invitation per address.
        """
        invited = invitations.create_invitation(
            self.organization,
            **_build_row(read_body(request, NewInvitationSerializer)),
            inviter_role=_get_role(request),
        )
        return Response(InvitationSerializer(invited).data, status=201)

    @extend_schema(request=BulkInvitationsSerializer, responses={202: BulkResultsSerializer})
    def bulk(self, request: Request, **_: object) -> Response:
        """Invite up to a hundred addresses, each with its own result."""
        asked = read_body(request, BulkInvitationsSerializer)
        rows = [bulk_invitations.Row(**_build_row(fields)) for fields in asked["invitations"]]
        answers = bulk_invitations.create_invitations(
            self.organization,
            rows=rows,
            inviter_role=_get_role(request),
            expected_seats=asked.get("expected_seats"),
        )
        results = [
            _build_result(row.email, answer) for row, answer in zip(rows, answers, strict=True)
        ]
        return Response(BulkResultsSerializer({"results": results}).data, status=202)

    @extend_schema(request=None, responses=InvitationSerializer)
    def resend(self, request: Request, pk: UUID, **_: object) -> Response:
        """Mail a pending invitation again, for another seven days."""
        require_empty_body(request)
        sent = invitations.resend_invitation(
            self.organization, invitation_id=pk, inviter_role=_get_role(request)
        )
        return Response(InvitationSerializer(sent).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: UUID, **_: object) -> Response:  # noqa: ARG002
        """Revoke a pending or queued invitation, so that its link is void and its seat free."""
        invitations.revoke_invitation(self.organization, invitation_id=pk)
        return Response(status=204)


def _get_role(request: Request) -> Role:
    return Role(get_request_context(request).member.role)


def _build_row(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "role": Role(fields["role"])}


def _build_result(email: str, answer: Invitation | Problem) -> dict[str, Any]:
    if isinstance(answer, Invitation):
        queued = {"email": email, "result": "queued", "problem": None}
        return {**queued, "invitation_id": answer.pk}
    problem = answer
    refusal = {
        "status": problem.status,
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
    }
    return {"email": email, "result": "refused", "problem": refusal, "invitation_id": None}
