"""Model of the inbound log, with one row per event kept longer than its payload."""

from django.db import models
from django.utils import timezone

from kit.ids import uuid7


class State(models.TextChoices):
    """Where an inbound event stands.

    pending ─▶ processing ─▶ succeeded | ignored
                   │ ▲
                   ▼ │
                retrying ─▶ failed (after three days)      a replay leads back to pending
    """

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    RETRYING = "retrying"
    FAILED = "failed"
    IGNORED = "ignored"


UNSETTLED_STATES = (State.PENDING, State.PROCESSING, State.RETRYING)


class InboundEventQuerySet(models.QuerySet["InboundEvent"]):
    """Questions asked of the log."""

    def unsettled(self) -> "InboundEventQuerySet":
        """Return events still to be processed, for each of which a job must exist."""
        return self.filter(state__in=UNSETTLED_STATES)

    def replayable(self) -> "InboundEventQuerySet":
        """Return events that still hold the payload a handler needs."""
        return self.exclude(payload="")


class InboundEvent(models.Model):
    """Store one event of a vendor, once for any number of deliveries.

    The seed's WebhookEvent: webhook_id is `external_id`, event_type is `type`, processing_status is
    `state` (its pending: pending, processing and retrying; its processed: succeeded and ignored;
    its failed: failed).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(max_length=32)
    external_id = models.CharField(max_length=255)
    type = models.CharField(max_length=128)
    object_key = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    livemode = models.BooleanField()
    # Text, not JSON: the signed bytes as they came; jsonb would refuse some and reorder the rest.
    payload = models.TextField(blank=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    # The vendor's id of the organization as the event spells it; ours, once a handler knows them.
    organization_hint = models.CharField(max_length=255, blank=True)
    organization_id = models.UUIDField(null=True, blank=True)
    user_id = models.UUIDField(null=True, blank=True)

    objects = InboundEventQuerySet.as_manager()

    class Meta:
        db_table = "inbound_event"
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="inbound_event_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=State.values), name="inbound_event_state"
            ),
        ]
        indexes = [
            models.Index(fields=["-received_at"], name="inbound_event_received"),
            models.Index(
                fields=["state", "next_attempt_at"],
                name="inbound_event_open",
                condition=~models.Q(state__in=["succeeded", "ignored"]),
            ),
            models.Index(fields=["source", "type", "-received_at"], name="inbound_event_type"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.type} {self.external_id}"
