"""The members of an organization."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from identity.authentication import get_request_context
from identity.filters import MemberFilter
from identity.models import Member
from identity.roles import Role
from identity.serializers.organizations import MemberSerializer, RoleChangeSerializer
from identity.services import members, suspensions
from kit.serializers import read_body, require_empty_body
from kit.views import ListMixin, RetrieveMixin, ViewSet
from tenancy.views import ControlPlaneScope


class MemberViewSet(ControlPlaneScope, ListMixin, RetrieveMixin, ViewSet):
    """People in the organization. Changes are written to Stytch first."""

    access = {
        "list": "member.read",
        "retrieve": "member.read",
        "partial_update": "member.update",
        "transfer_admin": "member.update",
        "destroy": "member.remove",
        "reactivate": "member.remove",
        "suspend": "member.suspend",
        "restore": "member.suspend",
        "leave": "member.leave",
    }
    resource = "members"
    queryset = Member.objects.none()  # the contract asks which model
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    ordering_fields = ("created_at", "email", "role")
    ordering = "created_at"

    def get_queryset(self) -> QuerySet[Member]:
        """Return the members of the organization in the path, in any status."""
        return Member.objects.in_organization(self.organization)

    @extend_schema(request=RoleChangeSerializer, responses=MemberSerializer)
    def partial_update(self, request: Request, pk: UUID, **_: object) -> Response:
        """Give a member another role.

        Answers 409 `last_admin` for the last admin.
        """
        asked = read_body(request, RoleChangeSerializer)
        changed = members.change_role(
            self.organization,
            member_id=pk,
            role=Role(asked["role"]),
            expected_seats=asked.get("expected_seats"),
        )
        return Response(MemberSerializer(changed).data)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: Request, pk: UUID, **_: object) -> Response:  # noqa: ARG002
        """Remove a member, so that its sessions end and its seat is free.

        Answers 409 `last_admin` for the last admin.
        """
        members.remove_member(self.organization, member_id=pk)
        return Response(status=204)

    @extend_schema(request=None, responses=MemberSerializer)
    def reactivate(self, request: Request, pk: UUID, **_: object) -> Response:
        """Bring a removed member back."""
        require_empty_body(request)
        returned = members.reactivate_member(self.organization, member_id=pk)
        return Response(MemberSerializer(returned).data)

    @extend_schema(request=None, responses=MemberSerializer)
    def suspend(self, request: Request, pk: UUID, **_: object) -> Response:
        """Suspend a member, so that its sessions end and its seat is free.

        Answers 409 `self_suspension` for oneself and `last_admin` for the last admin.
        """
        require_empty_body(request)
        suspended = suspensions.suspend_member(
            self.organization, member_id=pk, by=get_request_context(request).member
        )
        return Response(MemberSerializer(suspended).data)

    @extend_schema(request=None, responses=MemberSerializer)
    def restore(self, request: Request, pk: UUID, **_: object) -> Response:
        """Let a suspended member act again, which takes a seat."""
        require_empty_body(request)
        restored = suspensions.restore_member(self.organization, member_id=pk)
        return Response(MemberSerializer(restored).data)

    @extend_schema(request=None, responses=MemberSerializer)
    def transfer_admin(self, request: Request, pk: UUID, **_: object) -> Response:
        """Make another member the admin in one's own place."""
        require_empty_body(request)
        giver = get_request_context(request).member
        receiver = members.transfer_admin(self.organization, member_id=pk, giver=giver)
        return Response(MemberSerializer(receiver).data)

    @extend_schema(request=None, responses={204: None})
    def leave(self, request: Request, **_: object) -> Response:
        """Leave the organization.

        Answers 409 `last_admin` for the last admin.
        """
        require_empty_body(request)
        members.leave_organization(
            self.organization, member_id=get_request_context(request).member.pk
        )
        return Response(status=204)
