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
from identity.sync.attribution import ORGANIZATION_SUBJECT, attribute_change
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

    A deleted organization stays as it is. Raises: SchemaNotReady.
    """
    known = _find_organization(snapshot.stytch_org_id)
    if known is None:
        known = _create_organization(snapshot, reservation)
    if known.is_deleted or matches_snapshot(known, snapshot):
        return known
    organization = lock_with_slug_holder(known.pk, snapshot)
    if not matches_snapshot(organization, snapshot):
        slug = _take_free_slug(snapshot, organization.pk)
        with attribute_change(organization, ORGANIZATION_SUBJECT, ChangeKind.RENAME_ORGANIZATION):
            organizations.update_organization(organization, name=snapshot.name, slug=slug)
    return organization


def apply_organization_deletion(stytch_org_id: str) -> Organization | None:
    """Delete an organization that Stytch has deleted, with its members and invitations."""
    known = _find_organization(stytch_org_id)
    if known is None or known.is_deleted:
        return known
    organization = locks.lock_organization(known.pk)
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
    jobs.defer_job("identity.pull_organization", organization_id=str(holder.pk))
    return snapshot.slug


def _find_slug_holder(snapshot: OrganizationSnapshot) -> Organization | None:
    others = Organization.objects.live().exclude(stytch_org_id=snapshot.stytch_org_id)
    return others.filter(slug__lower=snapshot.slug.lower()).first()


def _build_parked_slug(slug: str, id_: UUID) -> str:
    return f"{slug.lower()[:MAX_PARKED_SLUG_PREFIX_CHARS]}~{id_.hex}"
