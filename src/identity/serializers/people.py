"""Sign-in, sessions and the person on the wire."""

from zoneinfo import available_timezones

from rest_framework import serializers

from identity.models import User
from identity.serializers.organizations import (
    AddressField,
    MemberSerializer,
    OrganizationSerializer,
)
from kit.serializers import (
    NameField,
    StrictModelSerializer,
    StrictSerializer,
    WholeListSerializer,
)

MAX_TOKEN_BYTES = 8 * 1024


def build_token_field() -> serializers.CharField:
    """Build the field of a token of Stytch."""
    return serializers.CharField(max_length=MAX_TOKEN_BYTES, trim_whitespace=True)


class EmailSerializer(StrictSerializer):
    """The address of the person who signs in."""

    email = AddressField(max_length=254)


class CodeSerializer(StrictSerializer):
    """An address and the code mailed to it."""

    email = AddressField(max_length=254)
    code = serializers.RegexField(r"^[0-9]{6}$", max_length=6)


class TokenSerializer(StrictSerializer):
    """The token of a mailed link."""

    token = build_token_field()


class SentSerializer(StrictSerializer):
    """The same for known and unknown addresses."""

    status = serializers.ChoiceField(choices=["sent"])


class NewOrganizationSerializer(StrictSerializer):
    """A name, and a slug if not the one made from it.

    Without a name the organization is named after the address, for a person alone.
    """

    intermediate_session_token = build_token_field()
    name = NameField(min_length=1, max_length=128, required=False, default="")
    slug = serializers.CharField(min_length=2, max_length=128, required=False, default="")


class EnterSerializer(StrictSerializer):
    """Which of the discovered organizations."""

    intermediate_session_token = build_token_field()
    organization_id = serializers.CharField(max_length=128)


class RefreshSerializer(StrictSerializer):
    """The session's long-lived token."""

    session_token = build_token_field()


class SwitchSerializer(StrictSerializer):
    """Which organization to go to."""

    organization_id = serializers.CharField(max_length=128)


class PlaceSerializer(StrictSerializer):
    """An organization a person may enter, and as what."""

    id = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    membership = serializers.ChoiceField(choices=["active", "invited", "pending", "eligible"])


class PlacesSerializer(WholeListSerializer):
    """Every organization a person may enter."""

    results = PlaceSerializer(many=True)


class DiscoverySerializer(StrictSerializer):
    """The proved address, the organizations it opens, and a token for ten minutes."""

    intermediate_session_token = build_token_field()
    email = serializers.EmailField()
    organizations = PlaceSerializer(many=True)


class UserSerializer(StrictModelSerializer):
    """A person, across organizations."""

    name = NameField(max_length=255, allow_blank=True)
    avatar_url = serializers.URLField(max_length=500, allow_blank=True)
    timezone = serializers.CharField(max_length=64)

    class Meta:
        model = User
        fields = ("id", "email", "email_verified", "name", "avatar_url", "timezone", "created_at")
        read_only_fields = ("id", "email", "email_verified", "created_at")

    def validate_timezone(self, name: str) -> str:
        """Require a name of the time zone database."""
        if name not in available_timezones():
            raise serializers.ValidationError("There is no such time zone.", code="unknown")
        return name


class SessionSerializer(StrictSerializer):
    """A session and whose it is."""

    session_token = build_token_field()
    session_jwt = build_token_field()
    expires_at = serializers.DateTimeField()
    user = UserSerializer(source="member.user")
    organization = OrganizationSerializer()
    member = MemberSerializer()


class MeSerializer(StrictSerializer):
    """The person, the organization, the member and the permissions of the session."""

    user = UserSerializer(source="member.user")
    organization = OrganizationSerializer()
    member = MemberSerializer()
    permissions = serializers.ListField(child=serializers.CharField())


class SessionListingSerializer(StrictSerializer):
    """One of one's own sessions."""

    id = serializers.CharField(source="session_id")
    started_at = serializers.DateTimeField()
    last_accessed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    factors = serializers.ListField(child=serializers.CharField())
    is_current = serializers.SerializerMethodField()

    def get_is_current(self, session: object) -> bool:
        """Whether it is the session of this request."""
        return bool(getattr(session, "session_id", "") == self.context["session_id"])


class SessionsSerializer(WholeListSerializer):
    """All of one's own sessions in this organization."""

    results = SessionListingSerializer(many=True)
