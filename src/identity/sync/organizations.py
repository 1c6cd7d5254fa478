"""Keep organizations in step with Stytch, including their unique slugs."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from identity.actors import act_as_directory
from identity.directories.types import OrganizationSnapshot
from identity.models import (
    ChangeKind,
    ChangeState,
    Invitation,
    InvitationStatus,
    Member,
    PendingChange,
    Status,
)
from identity.sync import security
from identity.sync.attribution import ORGANIZATION_SUBJECT, attribute_change, is_wanted
from identity.sync.changes import is_ambiguous, is_later_change, is_outdated
from kit import jobs
from kit.ids import uuid7
from tenancy import locks
from tenancy.models import Organization, TenantSchema
from tenancy.services import organizations

MAX_PARKED_SLUG_PREFIX_CHARS = 90


def apply_organization(
    snapshot: OrganizationSnapshot, reservation: TenantSchema | None
) -> Organization:
    """Create or rename the organization that a snapshot describes.

    A deleted organization stays as it is, and an outdated snapshot changes nothing. Raises:
    SchemaNotReady.
    """
    organization = _apply_names(snapshot, reservation)
    if snapshot.security is not None and not organization.is_deleted:
        security.apply_security(organization, snapshot)
    return organization


def _apply_names(snapshot: OrganizationSnapshot, reservation: TenantSchema | None) -> Organization:
    known = _find_organization(snapshot.stytch_org_id)
    if known is None:
        known = _create_organization(snapshot, reservation)
    if known.is_deleted or _is_stored(known, snapshot):
        return known
    organization = lock_with_slug_holder(known.pk, snapshot)
    if organization.is_deleted or is_outdated(organization, snapshot):
        return organization
    if not matches_snapshot(organization, snapshot):
        if _is_undecided(organization, snapshot):
            _defer_pull(organization)
            return organization
        _rename_organization(organization, snapshot)
    _store_changed_at(organization, snapshot)
    return organization


def apply_organization_deletion(stytch_org_id: str) -> Organization | None:
    """Delete an organization that Stytch has deleted, with its members and invitations."""
    known = _find_organization(stytch_org_id)
    if known is None or known.is_deleted:
        return known
    organization = locks.lock_organization(known.pk)
    if organization.is_deleted:
        return organization
    now = timezone.now()
    Member.objects.in_organization(organization).exclude(status=Status.REMOVED).update(
        status=Status.REMOVED, removed_at=now, sessions_ended_at=now, updated_at=now
    )
    Invitation.objects.in_organization(organization).open().update(
        status=InvitationStatus.REVOKED, updated_at=now
    )
    PendingChange.objects.in_organization(organization).open().update(
        state=ChangeState.LAPSED, closed_at=now, updated_at=now
    )
    with act_as_directory():
        organizations.delete_organization(organization)
    return organization


def matches_snapshot(organization: Organization, snapshot: OrganizationSnapshot) -> bool:
    """Return whether the stored name and slug equal those of the snapshot."""
    return (organization.name, organization.slug) == (snapshot.name, snapshot.slug.lower())


def _is_stored(organization: Organization, snapshot: OrganizationSnapshot) -> bool:
    return matches_snapshot(organization, snapshot) and not is_later_change(organization, snapshot)


def _is_undecided(organization: Organization, snapshot: OrganizationSnapshot) -> bool:
    """Return whether a differing snapshot may be the older one, and is not the one we asked for."""
    return is_ambiguous(organization, snapshot) and not is_wanted(
        organization,
        ORGANIZATION_SUBJECT,
        ChangeKind.RENAME_ORGANIZATION,
        result=_read_names(snapshot),
    )


def _rename_organization(organization: Organization, snapshot: OrganizationSnapshot) -> None:
    slug = _take_free_slug(snapshot, organization.pk)
    kind, result = ChangeKind.RENAME_ORGANIZATION, _read_names(snapshot)
    with attribute_change(organization, ORGANIZATION_SUBJECT, kind, result=result):
        organizations.update_organization(organization, name=snapshot.name, slug=slug)


def _read_names(snapshot: OrganizationSnapshot) -> dict[str, object]:
    return {"name": snapshot.name, "slug": snapshot.slug.lower()}


def _store_changed_at(organization: Organization, snapshot: OrganizationSnapshot) -> None:
    if is_later_change(organization, snapshot):
        organization.changed_at = snapshot.changed_at
        organization.save(update_fields=["changed_at", "updated_at"])


def _defer_pull(organization: Organization) -> None:
    jobs.defer_job("identity.pull_organization", organization_id=str(organization.pk))


def lock_with_slug_holder(id_: UUID, snapshot: OrganizationSnapshot) -> Organization:
    """Lock an organization and the one that holds its new slug, and return the first.

    Both are locked in one query, because two organizations may swap their slugs at the same time.
    """
    holder = _find_slug_holder(snapshot)
    ids = {id_} if holder is None else {id_, holder.pk}
    return locks.lock_organizations(ids)[id_]


def _find_organization(stytch_org_id: str) -> Organization | None:
    return Organization.objects.filter(stytch_org_id=stytch_org_id).first()


def _create_organization(
    snapshot: OrganizationSnapshot, reservation: TenantSchema | None, *, may_retry: bool = True
) -> Organization:
    stytch_org_id = snapshot.stytch_org_id
    slug = _take_free_slug(snapshot, uuid7())
    try:
        with transaction.atomic():
            return organizations.create_organization(
                stytch_org_id=stytch_org_id,
                name=snapshot.name,
                slug=slug,
                reservation=reservation,
            )
    except IntegrityError:  # a concurrent transaction created the organization or took the slug
        known = _find_organization(stytch_org_id)
        if known is None and may_retry:  # only the slug was taken
            return _create_organization(snapshot, reservation, may_retry=False)
        if known is None:
            raise
        return known


def _take_free_slug(snapshot: OrganizationSnapshot, own_id: UUID) -> str:
    """Return a slug the organization can store, and park the slug of a previous holder.

    Stytch keeps slugs unique, so another organization that holds the slug here was renamed there.
    It gets a temporary slug until the deferred pull stores its new one. Two slugs that differ only
    in case are equal here: the one with capitals stays parked, otherwise each pull would take the
    slug from the other organization again.
    """
    holder = _find_slug_holder(snapshot)
    if holder is None:
        return snapshot.slug.lower()
    if snapshot.slug != snapshot.slug.lower():
        return _build_parked_slug(snapshot.slug, own_id)
    holder = locks.lock_organization(holder.pk)
    parked_slug = _build_parked_slug(holder.slug, holder.pk)
    with act_as_directory():  # the current actor belongs to another organization
        organizations.update_organization(holder, name=holder.name, slug=parked_slug)
    _defer_pull(holder)
    return snapshot.slug


def _find_slug_holder(snapshot: OrganizationSnapshot) -> Organization | None:
    others = Organization.objects.live().exclude(stytch_org_id=snapshot.stytch_org_id)
    return others.filter(slug__lower=snapshot.slug.lower()).first()


def _build_parked_slug(slug: str, id_: UUID) -> str:
    return f"{slug.lower()[:MAX_PARKED_SLUG_PREFIX_CHARS]}~{id_.hex}"
