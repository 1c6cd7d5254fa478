"""Base model with id and timestamps, and case-insensitive text."""

from django.db import models
from django.db.models.functions import Lower

from kit.ids import uuid7

# `email__lower=` compares as the unique indexes do, and by them. `iexact` compares the upper-case
# forms, and those of two letters may be one: U+0131, an i without its dot, is "I" like any other.
models.CharField.register_lookup(Lower)


class Record(models.Model):
    """A row with an opaque, time-sortable id and its timestamps (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
