"""The replica of organizations: written by the directory once Stytch has said so."""

from django.utils import timezone

from events.registry import EventType
from tenancy import event_types, signals
from tenancy.models import Organization, TenantSchema
from tenancy.services import events, schema_pool

State = Organization.State


def create(
    *, stytch_org_id: str, name: str, slug: str, reservation: TenantSchema | None = None
) -> Organization:
    """Create an organization with a schema of its own, the reserved one if there is one.

    Raises SchemaNotReady when no schema is in stock and this process may not create one, and
    IntegrityError when the organization is known already (the caller holds a savepoint).
    """
    organization = Organization.objects.create(
        stytch_org_id=stytch_org_id,
        name=name,
        slug=slug.lower(),
        schema_name=schema_pool.claim(reservation),
    )
    changes = {"name": (None, name), "slug": (None, organization.slug)}
    events.write(organization, event_types.CREATED, organization.pk, changes=changes)
    signals.organization_created.send(sender=Organization, organization=organization)
    return organization


def update(organization: Organization, *, name: str, slug: str) -> bool:
    """Follow a new name or slug; false when there was nothing to do. The caller holds the lock."""
    new = {"name": name, "slug": slug.lower()}
    changes = {
        field: (getattr(organization, field), value)
        for field, value in new.items()
        if getattr(organization, field) != value
    }
    if not changes:
        return False
    for field, value in new.items():
        setattr(organization, field, value)
    organization.save(update_fields=[*changes, "updated_at"])
    events.write(organization, event_types.UPDATED, organization.pk, changes=changes)
    signals.organization_updated.send(sender=Organization, organization=organization)
    return True


def delete(organization: Organization) -> bool:
    """Mark it deleted; false when it was. Its schema and history stay until they are purged."""
    if organization.is_deleted:
        return False
    organization.state = Organization.State.DELETED
    organization.deleted_at = timezone.now()
    organization.save(update_fields=["state", "deleted_at", "updated_at"])
    events.write(organization, event_types.DELETED, organization.pk)
    signals.organization_deleted.send(sender=Organization, organization=organization)
    return True


def suspend(organization: Organization) -> bool:
    """Shut its members out until it is restored; false unless active. The caller holds the lock."""
    return _move(organization, State.ACTIVE, State.SUSPENDED, event_types.SUSPENDED)


def restore(organization: Organization) -> bool:
    """Let them in again; false unless suspended. The caller holds the lock."""
    return _move(organization, State.SUSPENDED, State.ACTIVE, event_types.RESTORED)


def _move(organization: Organization, before: State, after: State, event: EventType) -> bool:
    if organization.state != before:
        return False
    organization.state = after
    organization.save(update_fields=["state", "updated_at"])
    events.write(organization, event, organization.pk, changes={"state": (before, after)})
    return True
