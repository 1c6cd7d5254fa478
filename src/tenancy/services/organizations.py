"""Write the replica of organizations after Stytch confirmed a change."""

from collections.abc import Mapping

from django.utils import timezone

from events.registry import EventType
from tenancy import event_types, signals
from tenancy.models import Organization, TenantSchema
from tenancy.services import events, schema_pool

State = Organization.State


def create_organization(
    *, stytch_org_id: str, name: str, slug: str, reservation: TenantSchema | None = None
) -> Organization:
    """Create an organization with a schema of its own, the reserved one if there is one.

    Raises SchemaNotReady when no schema is spare and this process may not create one, and
    IntegrityError when the organization is known already (the caller holds a savepoint).
    """
    organization = Organization.objects.create(
        stytch_org_id=stytch_org_id,
        name=name,
        slug=slug.lower(),
        schema_name=schema_pool.take_schema(reservation),
    )
    changes = {"name": (None, name), "slug": (None, organization.slug)}
    events.record(organization, event_types.ORGANIZATION_CREATED, organization.pk, changes=changes)
    signals.organization_created.send(sender=Organization, organization=organization)
    return organization


def update_organization(organization: Organization, *, name: str, slug: str) -> bool:
    """Follow a new name or slug, or return False if unchanged. The caller holds the lock."""
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
    events.record(organization, event_types.ORGANIZATION_UPDATED, organization.pk, changes=changes)
    signals.organization_updated.send(sender=Organization, organization=organization)
    return True


def delete_organization(organization: Organization) -> bool:
    """Mark it deleted, or return False if it was.

    Its schema and history stay until they are purged.
    """
    if organization.is_deleted:
        return False
    organization.state = Organization.State.DELETED
    organization.deleted_at = timezone.now()
    organization.save(update_fields=["state", "deleted_at", "updated_at"])
    events.record(organization, event_types.ORGANIZATION_DELETED, organization.pk)
    signals.organization_deleted.send(sender=Organization, organization=organization)
    return True


def suspend_organization(organization: Organization, *, reason: str) -> bool:
    """Refuse its members until restored, or return False unless active. The caller holds the lock.

    The organization's admins read the reason.
    """
    if organization.state != State.ACTIVE:
        return False
    organization.suspension_reason = reason
    _change_state(
        organization,
        State.SUSPENDED,
        event_types.ORGANIZATION_SUSPENDED,
        details={"reason": reason},
    )
    signals.organization_suspended.send(sender=Organization, organization=organization)
    return True


def restore_organization(organization: Organization) -> bool:
    """Admit its members again, or return False unless suspended. The caller holds the lock."""
    if organization.state != State.SUSPENDED:
        return False
    _change_state(organization, State.ACTIVE, event_types.ORGANIZATION_RESTORED)
    signals.organization_restored.send(sender=Organization, organization=organization)
    return True


def _change_state(
    organization: Organization,
    after: State,
    event: EventType,
    *,
    details: Mapping[str, object] | None = None,
) -> None:
    before, organization.state = organization.state, after
    organization.state_changed_at = timezone.now()
    organization.save(
        update_fields=["state", "state_changed_at", "suspension_reason", "updated_at"]
    )
    changes = {"state": (before, after)}
    events.record(organization, event, organization.pk, changes=changes, details=details)
