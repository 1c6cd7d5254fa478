"""Model of the audit log, with one row per change of an organization."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from kit.ids import uuid7


class Event(models.Model):
    """One change, written in the transaction that made it and never rewritten.

    Ids point over the schema wall, so they are text and not foreign keys: the person or thing may
    be gone while what they did remains.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128, blank=True)
    target_type = models.CharField(max_length=32)
    target_id = models.CharField(max_length=128)
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # Text and not inet: an odd address of an odd proxy must never undo the change it came with.
    ip = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    # Not columns, but set by services.names when the log is read.
    actor_name: str | None = None
    target_name: str | None = None

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="events_event_time"),
            models.Index(fields=["type", "occurred_at"], name="events_event_type"),
            models.Index(fields=["actor_id", "occurred_at"], name="events_event_actor"),
            models.Index(fields=["target_id", "occurred_at"], name="events_event_target"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.target_id}"
