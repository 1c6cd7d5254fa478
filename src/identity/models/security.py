"""Model of an organization's security settings, a replica of the directory's but for one of ours."""

from typing import Self

from django.conf import settings
from django.db import models

from kit.models import Record
from tenancy.models import OrganizationOwnedQuerySet


class InvitationPolicy(models.TextChoices):
    """Which addresses may be invited."""

    ALL = "all"
    ALLOWED_DOMAINS = "allowed_domains"
    NONE = "none"


class MfaPolicy(models.TextChoices):
    """Whether members need a second factor, or only those who have enrolled one."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class SignInMethod(models.TextChoices):
    """The ways of signing in that an organization may allow."""

    # https://stytch.com/docs/b2b/api/org-auth-settings
    MAGIC_LINK = "magic_link"
    EMAIL_OTP = "email_otp"
    SSO = "sso"
    PASSWORD = "password"  # noqa: S105 - the name of a method
    GOOGLE_OAUTH = "google_oauth"
    MICROSOFT_OAUTH = "microsoft_oauth"
    SLACK_OAUTH = "slack_oauth"
    GITHUB_OAUTH = "github_oauth"
    HUBSPOT_OAUTH = "hubspot_oauth"


class SecuritySettingsQuerySet(OrganizationOwnedQuerySet["SecuritySettings"]):
    """Queries about security settings."""

    def removal_is_final(self) -> Self:
        """Select those under which a removed member comes back only through an admin."""
        return self.filter(removal_is_final=True)


class SecuritySettings(Record):
    """Who may join an organization by themselves, and how its members sign in."""

    organization = models.OneToOneField(
        settings.TENANT_MODEL, models.CASCADE, related_name="security_settings"
    )
    allowed_domains = models.JSONField(default=list)
    invitations = models.CharField(
        max_length=16, choices=InvitationPolicy, default=InvitationPolicy.ALL
    )
    just_in_time_joining = models.BooleanField(default=False)
    mfa_policy = models.CharField(max_length=16, choices=MfaPolicy, default=MfaPolicy.OPTIONAL)
    # None allows every method.
    allowed_sign_in_methods = models.JSONField(null=True, blank=True)
    # The directory's own time of the last change we know of.
    changed_at = models.DateTimeField(null=True, blank=True)
    # Ours: the directory has no such setting.
    removal_is_final = models.BooleanField(default=False)

    objects = SecuritySettingsQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)
