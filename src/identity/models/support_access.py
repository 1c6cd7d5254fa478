"""Grants by which a member of staff may read an organization's own data for some hours."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from identity.models.users import User
from kit.models import Record
from tenancy.models import OrganizationOwnedQuerySet


class SupportAccessQuerySet(OrganizationOwnedQuerySet["SupportAccess"]):
    """Queries about grants of support access."""

    def open(self) -> Self:
        """Select the grants that allow reading now."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())

    def overdue(self) -> Self:
        """Select the grants that have expired and whose end is not recorded yet."""
        return self.filter(ended_at=None, expires_at__lte=timezone.now())


class SupportAccess(Record):
    """Allow one member of staff to read the data of one organization, for a reason and until a time.

    The organization's audit trail records its beginning and its end.
    """

    organization = models.ForeignKey(
        settings.TENANT_MODEL, models.CASCADE, related_name="support_accesses"
    )
    staff = models.ForeignKey(User, models.PROTECT, related_name="support_accesses")
    reason = models.CharField(max_length=500)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[SupportAccessQuerySet] = SupportAccessQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "support access"
        verbose_name_plural = "support access"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "staff"],
                condition=Q(ended_at=None),
                name="support_access_one_open",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="support_access_has_reason"),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(ended_at=None), name="support_access_expiry"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> str:
        """Return whether it allows reading now, has expired or was ended before."""
        if self.ended_at is not None:
            return "ended"
        return "open" if self.expires_at > timezone.now() else "expired"
