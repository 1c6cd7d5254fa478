"""Model of invitations, each of which ends accepted, revoked or expired."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from identity.models.members import Member
from identity.roles import Role
from kit.addresses import normalize_email
from kit.models import EmailKeyField, Record
from tenancy.models import OrganizationOwnedQuerySet

# Stytch's default: https://stytch.com/docs/b2b/api/send-invite-email
INVITATION_LIFETIME = timedelta(days=7)


class InvitationStatus(models.TextChoices):
    """How an invitation ended, or that it has not.

    `queued` waits for the job that sends it, `refused` was never sent.
    """

    QUEUED = "queued"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REFUSED = "refused"


OPEN_STATUSES = (InvitationStatus.QUEUED, InvitationStatus.PENDING)


class InvitationQuerySet(OrganizationOwnedQuerySet["Invitation"]):
    """Questions about invitations."""

    def open(self) -> Self:
        """Select those not closed yet, queued, sent or expired.

        An address has one of them.
        """
        return self.filter(status__in=OPEN_STATUSES)

    def queued(self) -> Self:
        """Select those that a job has yet to send. Their pending change reserves the seat."""
        return self.filter(status=InvitationStatus.QUEUED)

    def with_address(self, email: str) -> Self:
        """Select those to an address, in any spelling."""
        return self.filter(email_key=normalize_email(email))

    def pending(self) -> Self:
        """Select those that can still be accepted, hence reserve a seat."""
        sent = self.filter(status=InvitationStatus.PENDING)
        return sent.filter(expires_at__gt=timezone.now())

    def overdue(self) -> Self:
        """Select those that have expired and are not closed yet."""
        sent = self.filter(status=InvitationStatus.PENDING)
        return sent.filter(expires_at__lte=timezone.now())

    def with_roles(self, *roles: str) -> Self:
        """Select those that offer one of these roles."""
        return self.filter(role__in=roles)


class Invitation(Record):
    """An offer to become a member. At Stytch it is a member with status `invited`."""

    organization = models.ForeignKey(
        settings.TENANT_MODEL, models.CASCADE, related_name="invitations"
    )
    stytch_member_id = models.CharField(max_length=128, null=True)  # noqa: DJ001 - none while queued
    email = models.EmailField(max_length=254)
    email_key = EmailKeyField()
    name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    status = models.CharField(max_length=16, choices=InvitationStatus, default="pending")
    invited_by = models.ForeignKey(
        Member, models.SET_NULL, null=True, blank=True, related_name="invitations"
    )
    sent_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    expires_at = models.DateTimeField()
    # While queued: until when an attempt to send it may run, and after that when the last one ended.
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    refusal = models.CharField(max_length=64, blank=True, help_text="The code of the refusal.")
    accepted_at = models.DateTimeField(null=True, blank=True)
    # Stytch's own time of the last change that was stored; an older answer is left aside.
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When its member was last compared with Stytch, for an acceptance whose webhook was lost.
    compared_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email_key"],
                condition=Q(status__in=OPEN_STATUSES),
                name="invitation_one_pending_per_address",
            ),
            models.UniqueConstraint(
                fields=["stytch_member_id"],
                condition=Q(status=InvitationStatus.PENDING),
                name="invitation_one_pending_per_stytch_member",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(status=InvitationStatus.ACCEPTED) ^ Q(accepted_at=None),
                name="invitation_accepted_at_when_accepted",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="invitation_page"),
            models.Index(
                fields=["expires_at"],
                condition=Q(status=InvitationStatus.PENDING),
                name="invitation_overdue",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def status_at(self, moment: datetime) -> InvitationStatus:
        """Return the status at a time, expired even before the task has closed the invitation."""
        if self.status == InvitationStatus.PENDING and self.expires_at <= moment:
            return InvitationStatus.EXPIRED
        return InvitationStatus(self.status)
