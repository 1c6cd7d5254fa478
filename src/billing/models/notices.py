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


class Notice(models.Model):
    """A notice that the mail server has accepted.

    `reference` names the occasion: an invoice, the start of an unpaid time, a trial's end.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    kind = models.CharField(max_length=32, choices=NoticeKind)
    reference = models.CharField(max_length=100)
    recipients = models.PositiveSmallIntegerField(help_text="How many addresses it went to.")
    sent_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-sent_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "reference"], name="notice_sent_once"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
