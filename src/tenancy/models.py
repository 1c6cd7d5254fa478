"""Models of organizations and of the pool of schemas they take."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from kit.models import Record


class OrganizationOwnedQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Questions about rows that belong to an organization."""

    def in_organization(self, organization: models.Model) -> Self:
        """Return the rows of one organization."""
        return self.filter(organization_id=organization.pk)


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Questions about organizations."""

    def live(self) -> Self:
        """Return the organizations that were not deleted."""
        return self.exclude(state=Organization.State.DELETED)

    def referred_to(self, reference: str) -> Self:
        """Return the organization with this slug (in any case) or this id."""
        try:
            return self.filter(pk=uuid.UUID(reference))
        except ValueError:
            return self.filter(slug__lower=reference.lower())


class Organization(Record):
    """Store a customer, which owns members, a subscription and a schema.

    A plain model, not django-tenants' mixin: `with organization:` keeps one stack for all threads
    and restores the wrong tenant, so here it cannot even be written.
    """

    class State(models.TextChoices):
        """Where in its life an organization is."""

        ACTIVE = "active"
        SUSPENDED = "suspended"
        MIGRATING = "migrating"
        DELETED = "deleted"

    stytch_org_id = models.CharField(max_length=128, unique=True, null=True)  # noqa: DJ001 - unique when present
    name = models.CharField(max_length=128)
    slug = models.CharField(max_length=128)
    schema_name = models.CharField(max_length=63, unique=True, editable=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    # Why staff suspended it, as its admins read it; kept after a restoration.
    suspension_reason = models.CharField(max_length=500, blank=True)
    state_changed_at = models.DateTimeField(null=True, blank=True)  # by staff
    deleted_at = models.DateTimeField(null=True, blank=True)
    # The directory's own time of the last change that was stored; an older answer is left aside.
    changed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("slug"),
                condition=~models.Q(state="deleted"),
                name="organization_slug_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_deleted(self) -> bool:
        """Tell whether the organization was deleted."""
        return self.state == self.State.DELETED

    def is_named(self, reference: str) -> bool:
        """Tell whether a path's slug or id refers to this organization."""
        return reference.lower() in (self.slug.lower(), str(self.pk))


class TenantSchemaQuerySet(models.QuerySet["TenantSchema"]):
    """Queries on the pool of schemas."""

    def unclaimed(self) -> Self:
        """Return the schemas no organization has, reserved ones included."""
        return self.filter(state__in=[TenantSchema.State.SPARE, TenantSchema.State.RESERVED])

    def available(self) -> Self:
        """Return the schemas free to take, including those whose reservation expired."""
        return self.unclaimed().exclude(
            state=TenantSchema.State.RESERVED, reserved_until__gt=timezone.now()
        )


class TenantSchema(models.Model):
    """Store one PostgreSQL schema with the tenant tables, spare or owned.

    `digest` names the migrations it has, so that finding what is behind costs one query.
    """

    class State(models.TextChoices):
        """Free to take, held for an organization that is being asked for, or an organization's."""

        SPARE = "spare"
        RESERVED = "reserved"
        CLAIMED = "claimed"

    name = models.CharField(max_length=63, primary_key=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SPARE)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    # While reserved: until when, and the slug of the organization it is held for ("" if none).
    reserved_until = models.DateTimeField(null=True, blank=True)
    reserved_slug = models.CharField(max_length=128, blank=True)

    objects: ClassVar = TenantSchemaQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reserved_slug"],
                condition=models.Q(state="reserved") & ~models.Q(reserved_slug=""),
                name="tenant_schema_reserved_slug_unique",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(state__in=["spare", "reserved"]),
                name="tenant_schema_unclaimed",
            ),
            models.Index(fields=["digest"], name="tenant_schema_digest"),
        ]

    def __str__(self) -> str:
        return self.name
