"""Organizations, members and invitations on the wire."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from identity.models import Invitation, InvitationStatus, Member, Status
from identity.roles import Role
from kit.addresses import normalize_email
from kit.serializers import NameField, StrictModelSerializer, StrictSerializer
from tenancy.models import Organization


class AddressField(serializers.EmailField):
    """An address in lower case, with limits that hold for the lower-case form."""

    def to_internal_value(self, data: str) -> str:
        """Return the address in the form we store and compare."""
        return super().to_internal_value(data).lower()


class OrganizationSerializer(StrictModelSerializer):
    """An organization, whose name and slug may be changed."""

    name = NameField(min_length=1, max_length=128)
    slug = serializers.CharField(min_length=2, max_length=128)
    state = serializers.ChoiceField(choices=Organization.State.choices, read_only=True)

    class Meta:
        model = Organization
        fields = ("id", "slug", "name", "state", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class MemberSerializer(StrictModelSerializer):
    """A member of the organization."""

    role = serializers.ChoiceField(choices=Role.choices)
    status = serializers.ChoiceField(choices=Status.choices)

    class Meta:
        model = Member
        fields = (
            "id", "user_id", "email", "name", "role", "status",
            "created_at", "updated_at", "suspended_at", "removed_at",
        )  # fmt: skip
        read_only_fields = fields


class RoleSerializer(StrictSerializer):
    """Another role for a member."""

    role = serializers.ChoiceField(choices=Role.choices)


class InvitationSerializer(StrictModelSerializer):
    """An invitation.

    `status` is its present status, expired even before it is closed. A queued one of a bulk is
    mailed within seconds; `refusal` is the code of the problem why a refused one was not.
    """

    role = serializers.ChoiceField(choices=Role.choices)
    status = serializers.SerializerMethodField()
    invited_by = serializers.UUIDField(source="invited_by_id", allow_null=True, read_only=True)

    class Meta:
        model = Invitation
        fields = (
            "id", "email", "name", "role", "status", "invited_by",
            "created_at", "sent_at", "expires_at", "accepted_at", "refusal",
        )  # fmt: skip
        read_only_fields = fields

    def get_status(self, invitation: Invitation) -> InvitationStatus:
        """Queued, pending, accepted, revoked, expired or refused."""
        return invitation.status_at(timezone.now())


class InvitationRowSerializer(StrictSerializer):
    """An address to invite, and its role."""

    email = AddressField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices)
    name = NameField(max_length=255, required=False, default="", allow_blank=True)


class ExpectedSeatsSerializer(StrictSerializer):
    """How many seats the organization is expected to pay for then."""

    expected_seats = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text="`resulting` of the seat preview: refused with 409 `seats_changed` when it is no longer so.",
    )


class RoleChangeSerializer(RoleSerializer, ExpectedSeatsSerializer):
    """Another role for a member, and how many seats are expected to be paid for then."""


class NewInvitationSerializer(InvitationRowSerializer, ExpectedSeatsSerializer):
    """An address to invite, its role, and how many seats the inviter expects to pay for then."""


class BulkInvitationsSerializer(ExpectedSeatsSerializer):
    """Up to a hundred people, and how many seats are expected to be paid for with all of them."""

    invitations = serializers.ListField(
        child=InvitationRowSerializer(), min_length=1, max_length=100
    )

    def validate_invitations(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Require every address once."""
        addresses = [normalize_email(row["email"]) for row in rows]
        if len(set(addresses)) < len(addresses):
            raise serializers.ValidationError("Name each address once.", code="repeated_address")
        return rows


class RowProblemSerializer(StrictSerializer):
    """Why one row was refused."""

    status = serializers.IntegerField()
    code = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)


class BulkResultSerializer(StrictSerializer):
    """The result of one row.

    Queued rows are mailed within seconds.
    """

    email = serializers.EmailField()
    result = serializers.ChoiceField(choices=["queued", "refused"])
    problem = RowProblemSerializer(allow_null=True)
    invitation_id = serializers.UUIDField(allow_null=True)


class BulkResultsSerializer(StrictSerializer):
    """One result per row, in their order."""

    results = BulkResultSerializer(many=True)


class PermissionSerializer(StrictSerializer):
    """A permission, and the roles that contain it."""

    name = serializers.CharField()
    description = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))


class PermissionsSerializer(StrictSerializer):
    """The whole table."""

    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))
    permissions = PermissionSerializer(many=True)
