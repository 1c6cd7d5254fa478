"""Organizations whose directory has left them without an admin."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from kit.models import Record
from tenancy.models import OrganizationOwnedQuerySet


class MissingAdminQuerySet(OrganizationOwnedQuerySet["MissingAdmin"]):
    """Queries about organizations without an admin."""

    def open(self) -> Self:
        """Select those that still have none."""
        return self.filter(resolved_at=None)


class MissingAdmin(Record):
    """A time in which an organization had active members and no admin who may act."""

    organization = models.ForeignKey(
        settings.TENANT_MODEL, models.CASCADE, related_name="missing_admins"
    )
    detected_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[MissingAdminQuerySet] = MissingAdminQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "organization without an admin"
        verbose_name_plural = "organizations without an admin"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(resolved_at=None),
                name="missing_admin_one_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> str:
        """Return whether the organization has an admin again."""
        return "open" if self.resolved_at is None else "resolved"
