"""Pending changes, sent to Stytch and not yet confirmed.

Every check counts them as done.
"""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from identity.roles import Role
from kit.models import Record
from tenancy.models import OrganizationOwnedQuerySet


class ChangeKind(models.TextChoices):
    """The changes we ask Stytch for."""

    RENAME_ORGANIZATION = "rename_organization"
    CHANGE_SECURITY = "change_security"
    INVITE = "invite"
    RESEND = "resend"
    REVOKE = "revoke"
    CHANGE_ROLE = "change_role"
    REMOVE = "remove"
    REACTIVATE = "reactivate"


class ChangeState(models.TextChoices):
    """How the change ended.

    `lapsed` means that it turned out not to have happened.
    """

    OPEN = "open"
    DONE = "done"
    REFUSED = "refused"
    LAPSED = "lapsed"


class PendingChangeQuerySet(OrganizationOwnedQuerySet["PendingChange"]):
    """Queries about pending changes."""

    def open(self) -> Self:
        """Select those whose outcome is not known yet."""
        return self.filter(state=ChangeState.OPEN)

    def stale(self) -> Self:
        """Select the stale ones, whose process died or whose answer never came."""
        return self.open().filter(expires_at__lte=timezone.now())

    def taking_seats(self, *roles: str) -> Self:
        """Select those that will take a seat in one of these roles which they do not hold yet."""
        return self.open().filter(role__in=roles).exclude(role_before__in=roles)

    def losing_admins(self) -> Self:
        """Select those that will leave the organization with one admin less."""
        return self.open().filter(role_before=Role.ADMIN).exclude(role=Role.ADMIN)


class PendingChange(Record):
    """A change sent to Stytch, with who asked for it, its subject and its result."""

    organization = models.ForeignKey(settings.TENANT_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=24, choices=ChangeKind)
    # What is changed: "organization", "organization:security", "member:<Stytch id>" or "address:<normal e-mail>". One at a time.
    subject = models.CharField(max_length=600)
    actor = models.JSONField(default=dict)
    role_before = models.CharField(max_length=16, blank=True)
    role = models.CharField(max_length=16, blank=True)
    details = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=ChangeState, default=ChangeState.OPEN)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[PendingChangeQuerySet] = PendingChangeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "subject"],
                condition=Q(state=ChangeState.OPEN),
                name="pending_change_one_open",
            )
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(state=ChangeState.OPEN),
                name="pending_change_stale",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
