"""Keep the security settings of organizations in step with the directory."""

from dataclasses import asdict

from identity import event_types
from identity.directories.types import OrganizationSnapshot
from identity.models import ChangeKind, SecuritySettings
from identity.sync.attribution import SECURITY_SUBJECT, attribute_change
from identity.sync.changes import assign_changed_fields, is_ambiguous, is_outdated
from kit import jobs
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events


def apply_security(organization: Organization, snapshot: OrganizationSnapshot) -> None:
    """Store the settings of a snapshot, and record the event of what has changed.

    The first ones that are known of an organization are no change, an outdated snapshot changes
    nothing, and one that cannot be told from an older one is fetched again.
    """
    if snapshot.security is None:
        return
    new_values = asdict(snapshot.security)
    if _is_stored(organization, new_values):
        return
    organization = locks.lock_organization(organization.pk)
    stored = SecuritySettings.objects.in_organization(organization).first()
    if stored is None:
        SecuritySettings.objects.create(
            organization=organization, changed_at=snapshot.changed_at, **new_values
        )
        return
    if is_outdated(organization, snapshot):
        return
    if is_ambiguous(stored, snapshot):
        jobs.defer_job("identity.pull_organization", organization_id=str(organization.pk))
        return
    changes = assign_changed_fields(stored, new_values)
    if not changes:
        return
    stored.changed_at = snapshot.changed_at or stored.changed_at
    stored.save()
    with attribute_change(organization, SECURITY_SUBJECT, ChangeKind.CHANGE_SECURITY):
        record_security_change(organization, changes)


def record_security_change(
    organization: Organization, changes: dict[str, tuple[object, object]]
) -> None:
    """Record that security settings changed, with their values before and after."""
    events.record(organization, event_types.SECURITY_CHANGED, organization.pk, changes=changes)


def keeps_removed_out(organization: Organization) -> bool:
    """Return whether a removed member comes back only through an admin of the organization."""
    return SecuritySettings.objects.in_organization(organization).removal_is_final().exists()


def _is_stored(organization: Organization, new_values: dict[str, object]) -> bool:
    rows = SecuritySettings.objects.in_organization(organization)
    return bool(rows.values(*new_values).first() == new_values)
