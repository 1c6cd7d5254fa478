"""Sign-in with a provider and with a second factor on the wire."""

from rest_framework import serializers

from identity.serializers.people import build_token_field
from kit.serializers import StrictSerializer

# https://stytch.com/docs/api-reference/b2b/api/oauth/overview
OAUTH_PROVIDERS = ("google", "microsoft", "github", "slack", "hubspot")
CODE_CHALLENGE = r"^[A-Za-z0-9_-]{43}$"  # S256 of RFC 7636
CODE_VERIFIER = r"^[A-Za-z0-9._~-]{43,128}$"
PHONE_NUMBER = r"^\+[1-9][0-9]{6,14}$"  # E.164


class _StartSerializer(StrictSerializer):
    redirect_url = serializers.CharField(
        max_length=2_000,
        help_text="A page of your app. It receives `stytch_token_type` and `token`.",
    )
    code_challenge = serializers.RegexField(
        CODE_CHALLENGE,
        max_length=43,
        required=False,
        default="",
        help_text="PKCE: binds the token to the browser that keeps the verifier.",
    )


class OAuthStartSerializer(_StartSerializer):
    """Which provider, and where the browser goes afterwards."""

    provider = serializers.ChoiceField(
        choices=OAUTH_PROVIDERS, help_text="It must be set up in your project at Stytch."
    )


class SsoStartSerializer(_StartSerializer):
    """Which connection, and where the browser goes afterwards."""

    connection_id = serializers.RegexField(
        r"^[A-Za-z0-9-]{1,128}$",
        max_length=128,
        help_text="As `another_factor_required` lists it in `connections`.",
    )


class ProviderTokenSerializer(StrictSerializer):
    """The token that a sign-in with a provider ends with, and the PKCE verifier of its start."""

    token = build_token_field()
    code_verifier = serializers.RegexField(
        CODE_VERIFIER, max_length=128, required=False, default=""
    )


class SecondFactorSerializer(StrictSerializer):
    """The sign-in of a `mfa_required` answer, whose values are sent back unchanged."""

    intermediate_session_token = build_token_field()
    organization_id = serializers.CharField(max_length=128)
    member_id = serializers.CharField(max_length=128)


class SecondFactorCodeSerializer(SecondFactorSerializer):
    """A sign-in, and the six digits of the app or of the message."""

    code = serializers.RegexField(r"^[0-9]{6}$", max_length=6)


class RecoveryCodeSerializer(SecondFactorSerializer):
    """A sign-in, and one of the member's recovery codes."""

    code = serializers.CharField(min_length=6, max_length=64)


class SmsSerializer(SecondFactorSerializer):
    """A sign-in, and the phone number of a member who has none."""

    phone_number = serializers.RegexField(PHONE_NUMBER, required=False, default="", max_length=16)


class AuthenticatorAppSerializer(StrictSerializer):
    """The secret to enter or scan, and recovery codes to keep. They are shown once."""

    secret = serializers.CharField()
    qr_code = serializers.CharField(help_text="An image as a data URL.", max_length=100_000)
    recovery_codes = serializers.ListField(child=serializers.CharField())
