"""Base model with id and timestamps, and fields and look-ups that compare text by a normal form."""

from typing import Any

from django.db import models
from django.db.models.functions import Lower

from kit.addresses import normalize_email
from kit.ids import uuid7

# `slug__lower=` compares as the unique indexes do, and by them. `iexact` compares the upper-case
# forms, and those of two letters may be one: U+0131, an i without its dot, is "I" like any other.
models.CharField.register_lookup(Lower)

MAX_EMAIL_KEY_LENGTH = 512  # an international domain is longer in ASCII


class Record(models.Model):
    """A row with an opaque, time-sortable id and its timestamps (UTC)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class EmailKeyField(models.CharField):  # type: ignore[type-arg]  # no subscript at run time
    """The normal form of the address in another column of the row, by which it is compared.

    Written with every whole save and bulk creation. A save of named fields must name this one next
    to the address, and `update()` must set both.
    """

    def __init__(self, *, source: str = "email", **options: Any) -> None:  # noqa: ANN401 - Django's own
        self.source = source
        options = {"max_length": MAX_EMAIL_KEY_LENGTH, "editable": False} | options
        super().__init__(**options)

    def deconstruct(self) -> Any:  # noqa: ANN401 - Django's own
        """Return how a migration writes this field."""
        name, path, arguments, options = super().deconstruct()
        return name, path, arguments, {**options, "source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: ARG002, FBT001 - Django's signature
        """Return and set the normal form of the address."""
        address = getattr(model_instance, self.source)
        key = normalize_email(address) if address else ""
        setattr(model_instance, self.attname, key)
        return key
