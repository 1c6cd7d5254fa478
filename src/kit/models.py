"""The two columns every row has: its id and when it was written."""

from django.db import models

from kit.ids import uuid7


class Record(models.Model):
    """A row with an opaque, time-sortable id and its timestamps (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
