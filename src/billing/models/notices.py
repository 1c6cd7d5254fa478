"""The record of mails sent about billing, so that each is sent once."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from kit.ids import uuid7


class NoticeKind(models.TextChoices):
    """What an organization is told about by mail."""

    PAYMENT_FAILED = "payment_failed"
    GRACE_ENDING = "grace_ending"
    ACCESS_LIMITED = "access_limited"
    SUBSCRIPTION_ENDED = "subscription_ended"
    TRIAL_ENDING = "trial_ending"
    SEATS_OVER_LIMIT = "seats_over_limit"
    ADMIN_LOST = "admin_lost"
    ORGANIZATION_SUSPENDED = "organization_suspended"
    ORGANIZATION_RESTORED = "organization_restored"


class Notice(models.Model):
    """A notice of one occasion, of which each recipient gets a mail of their own.

    `reference` names the occasion: an invoice, the start of an unpaid time, a trial's end.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    kind = models.CharField(max_length=32, choices=NoticeKind)
    reference = models.CharField(max_length=100)
    recipients = models.PositiveSmallIntegerField(
        default=0, help_text="How many addresses it went to."
    )
    created_at = models.DateTimeField(default=timezone.now)
    # Blank until the mail server has accepted the mail of every recipient.
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "reference"], name="notice_sent_once"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class NoticeMail(models.Model):
    """A mail of a notice to one recipient, which the mail server has accepted.

    The id is derived from the notice's occasion and the address, which is not stored.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="mails")
    sent_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.pk)
