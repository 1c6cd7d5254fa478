"""The replica of organizations: written by the directory once Stytch has said so."""

from datetime import UTC, datetime

from events.registry import EventType
from events.services import log as events
from tenancy import catalog, routing, signals
from tenancy.models import Organization
from tenancy.services import provisioning

State = Organization.State


def create(*, stytch_org_id: str, name: str, slug: str) -> Organization:
    """A new organization with a schema of its own, in the running transaction.

    Raises SchemaNotReady when no schema is in stock and this process may not create one, and
    IntegrityError when the organization is known already (the caller holds a savepoint).
    """
    organization = Organization.objects.create(
        stytch_org_id=stytch_org_id,
        name=name,
        slug=slug.lower(),
        schema_name=provisioning.claim(),
    )
    with routing.activate(organization):
        events.record(
            type=catalog.CREATED,
            target_id=organization.pk,
            changes={"name": [None, name], "slug": [None, organization.slug]},
        )
    signals.organization_created.send(sender=Organization, organization=organization)
    return organization


def update(organization: Organization, *, name: str, slug: str) -> bool:
    """Follow a new name or slug; false when there was nothing to do. The caller holds the lock."""
    new = {"name": name, "slug": slug.lower()}
    changes = {
        field: [getattr(organization, field), value]
        for field, value in new.items()
        if getattr(organization, field) != value
    }
    if not changes:
        return False
    for field, value in new.items():
        setattr(organization, field, value)
    organization.save(update_fields=[*changes, "updated_at"])
    with routing.activate(organization):
        events.record(type=catalog.UPDATED, target_id=organization.pk, changes=changes)
    signals.organization_updated.send(sender=Organization, organization=organization)
    return True


def delete(organization: Organization) -> bool:
    """Mark it deleted; false when it was. Its schema and history stay until they are purged."""
    if organization.is_deleted:
        return False
    organization.state = Organization.State.DELETED
    organization.deleted_at = datetime.now(UTC)
    organization.save(update_fields=["state", "deleted_at", "updated_at"])
    with routing.activate(organization):
        events.record(type=catalog.DELETED, target_id=organization.pk)
    signals.organization_deleted.send(sender=Organization, organization=organization)
    return True


def suspend(organization: Organization) -> bool:
    """Shut its members out until it is restored; false unless active. The caller holds the lock."""
    return _move(organization, State.ACTIVE, State.SUSPENDED, catalog.SUSPENDED)


def restore(organization: Organization) -> bool:
    """Let them in again; false unless suspended. The caller holds the lock."""
    return _move(organization, State.SUSPENDED, State.ACTIVE, catalog.RESTORED)


def _move(organization: Organization, before: State, after: State, event: EventType) -> bool:
    if organization.state != before:
        return False
    organization.state = after
    organization.save(update_fields=["state", "updated_at"])
    with routing.activate(organization):
        changes = {"state": [before, after]}
        events.record(type=event, target_id=organization.pk, changes=changes)
    return True
