"""The security settings of an organization on the wire."""

import re
import unicodedata

from rest_framework import serializers

from identity.models.security import InvitationPolicy, MfaPolicy, SecuritySettings, SignInMethod
from kit.addresses import normalize_domain
from kit.serializers import StrictModelSerializer

DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
MAX_DOMAIN_LENGTH = 253


class DomainField(serializers.CharField):
    """A mail domain in lower case, international ones in their own letters or in ASCII."""

    def to_internal_value(self, data: str) -> str:
        """Return the domain. Raises ValidationError for what is no domain."""
        domain = unicodedata.normalize("NFC", super().to_internal_value(data)).lower()
        if not DOMAIN.fullmatch(normalize_domain(domain)):
            raise serializers.ValidationError("This is no mail domain.", code="invalid")
        return domain


class SecuritySerializer(StrictModelSerializer):
    """Who may join the organization by themselves, and how its members sign in."""

    allowed_domains = serializers.ListField(
        child=DomainField(max_length=MAX_DOMAIN_LENGTH),
        max_length=100,
        help_text="Mail domains, for invitations and for joining. Public ones are refused.",
    )
    invitations = serializers.ChoiceField(
        choices=InvitationPolicy.choices, help_text="Which addresses may be invited."
    )
    just_in_time_joining = serializers.BooleanField(
        help_text="Whether people of an allowed domain join by signing in."
    )
    mfa_policy = serializers.ChoiceField(
        choices=MfaPolicy.choices, help_text="Whether every member needs a second factor."
    )
    allowed_sign_in_methods = serializers.ListField(
        child=serializers.ChoiceField(choices=SignInMethod.choices),
        min_length=1,
        max_length=20,
        allow_null=True,
        help_text="The ways of signing in; null allows every one.",
    )
    removal_is_final = serializers.BooleanField(
        help_text="Whether a removed member comes back only through an admin, and not by joining."
    )

    class Meta:
        model = SecuritySettings
        fields = (
            "allowed_domains", "invitations", "just_in_time_joining", "mfa_policy",
            "allowed_sign_in_methods", "removal_is_final",
        )  # fmt: skip

    def validate_allowed_domains(self, domains: list[str]) -> list[str]:
        """Return the domains sorted, without other spellings of the same."""
        by_normal_form = {normalize_domain(domain): domain for domain in domains}
        return sorted(by_normal_form.values())

    def validate_allowed_sign_in_methods(self, methods: list[str] | None) -> list[str] | None:
        """Return the methods sorted, each once."""
        return None if methods is None else sorted(set(methods))
