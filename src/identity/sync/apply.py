"""Apply a snapshot of the directory to our rows, by one function for all sources.

Sign-in, first sight of a token, webhooks, the nightly pull and our own changes all hand over what
they were told. Order, echo and repetition do not matter: a snapshot that brings nothing new writes
nothing, and one transition under the organization's lock writes exactly one event.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction

from identity.actors import act_as_directory
from identity.directories.types import (
    MemberDeleted,
    MemberSnapshot,
    OrganizationDeleted,
    OrganizationSnapshot,
    Proof,
    Snapshot,
)
from identity.models import ChangeKind, Invitation, Member, Status
from identity.roles import from_stytch
from identity.sync import departures, members, users
from identity.sync.attribution import ORGANIZATION, attribute_change
from kit import jobs
from kit.ids import uuid7
from tenancy import locks
from tenancy.models import Organization, TenantSchema
from tenancy.services import organizations


class UnknownOrganization(Exception):
    """The organization of the member is unknown.

    Fetch and apply it first.
    """

    def __init__(self, stytch_org_id: str) -> None:
        super().__init__(stytch_org_id)
        self.stytch_org_id = stytch_org_id


@dataclass(frozen=True, slots=True)
class Applied:
    """What the snapshot is about, as we know it now."""

    organization: Organization | None = None
    member: Member | None = None
    invitation: Invitation | None = None


def apply_snapshot(
    snapshot: Snapshot,
    *,
    proof: Proof | None = None,
    reservation: TenantSchema | None = None,
) -> Applied:
    """Bring the replica up to date with one snapshot or deletion.

    `proof` comes with a snapshot that came with a session of that very member, `reservation` with
    an organization whose schema was reserved. Raises UnknownOrganization for a member of an
    organization we have not met, and SchemaNotReady when a new organization finds no schema.
    """
    with transaction.atomic():
        match snapshot:
            case OrganizationSnapshot():
                return Applied(_apply_organization(snapshot, reservation))
            case OrganizationDeleted():
                return Applied(departures.apply_organization_deletion(snapshot.stytch_org_id))
            case MemberSnapshot():
                return _apply_member(snapshot, proof)
            case MemberDeleted():
                return _apply_deletion(snapshot)


def is_known(stytch_org_id: str) -> bool:
    """Return whether the organization has a row, hence needs no new schema."""
    return Organization.objects.filter(stytch_org_id=stytch_org_id).exists()


def lock_organizations_of(id_: UUID, snapshot: Snapshot) -> Organization:
    """Lock the organization of a snapshot, with the one that must give up its slug.

    First in any transaction that applies the snapshot: two may be about to swap their slugs.
    """
    ids = {id_}
    if isinstance(snapshot, OrganizationSnapshot) and (holder := _find_slug_holder(snapshot)):
        ids.add(holder.pk)
    return locks.lock_organizations(ids)[id_]


def _apply_organization(
    snapshot: OrganizationSnapshot, reservation: TenantSchema | None
) -> Organization:
    known = Organization.objects.filter(stytch_org_id=snapshot.stytch_org_id).first()
    if known is None:
        known = _create_organization(snapshot, reservation)
    if known.is_deleted or is_current(known, snapshot):
        return known
    organization = lock_organizations_of(known.pk, snapshot)
    if not is_current(organization, snapshot):
        slug = _free_slug(snapshot, organization.pk)
        with attribute_change(organization, ORGANIZATION, ChangeKind.RENAME_ORGANIZATION):
            organizations.update_organization(organization, name=snapshot.name, slug=slug)
    return organization


def _create_organization(
    snapshot: OrganizationSnapshot, reservation: TenantSchema | None, *, again: bool = True
) -> Organization:
    stytch_org_id = snapshot.stytch_org_id
    slug = _free_slug(snapshot, uuid7())
    try:
        with transaction.atomic():
            return organizations.create_organization(
                stytch_org_id=stytch_org_id,
                name=snapshot.name,
                slug=slug,
                reservation=reservation,
            )
    except IntegrityError:  # two first sights at once: the other one was faster
        known = Organization.objects.filter(stytch_org_id=stytch_org_id).first()
        if known is None and again:  # and it was another organization, which took the slug
            return _create_organization(snapshot, reservation, again=False)
        if known is None:
            raise
        return known


def is_current(organization: Organization, snapshot: OrganizationSnapshot) -> bool:
    """Return whether our row equals the snapshot."""
    return (organization.name, organization.slug) == (snapshot.name, snapshot.slug.lower())


def _free_slug(snapshot: OrganizationSnapshot, own: UUID) -> str:
    """Return the slug the organization may take here, its own or a parked one.

    Stytch keeps slugs unique: another organization that holds this one here was renamed there. Its
    replica is parked under a slug of its own until the deferred pull brings its new one. But two
    that differ in case alone are one slug to us: the one in capitals stays parked, or each pull
    would take the slug from the other forever.
    """
    holder = _find_slug_holder(snapshot)
    if holder is None:
        return snapshot.slug.lower()
    if snapshot.slug != snapshot.slug.lower():
        return _build_parked_slug(snapshot.slug, own)
    holder = locks.lock_organization(holder.pk)
    with act_as_directory():  # the actor belongs to another organization
        organizations.update_organization(
            holder, name=holder.name, slug=_build_parked_slug(holder.slug, holder.pk)
        )
    jobs.defer_job("identity.pull_organization", organization_id=str(holder.pk))
    return snapshot.slug


def _find_slug_holder(snapshot: OrganizationSnapshot) -> Organization | None:
    others = Organization.objects.live().exclude(stytch_org_id=snapshot.stytch_org_id)
    return others.filter(slug__lower=snapshot.slug.lower()).first()


def _build_parked_slug(slug: str, id_: UUID) -> str:
    return f"{slug.lower()[:90]}~{id_.hex}"


def _apply_member(snapshot: MemberSnapshot, proof: Proof | None) -> Applied:
    current = _find_current_member(snapshot, proof)
    if current is not None:
        return Applied(current.organization, current)
    known = Organization.objects.filter(stytch_org_id=snapshot.stytch_org_id).first()
    if known is None:
        raise UnknownOrganization(snapshot.stytch_org_id)
    organization = locks.lock_organization(known.pk)
    if organization.is_deleted:
        return Applied(organization)
    if snapshot.status == "invited":
        return Applied(
            organization, invitation=members.apply_invited_member(organization, snapshot)
        )
    return Applied(organization, members.apply_present_member(organization, snapshot, proof))


def _find_current_member(snapshot: MemberSnapshot, proof: Proof | None) -> Member | None:
    """Return the member's row if it equals the snapshot already, which needs no lock."""
    if snapshot.status != "active":
        return None
    rows = Member.objects.active().select_related("organization", "user")
    member = rows.filter(stytch_member_id=snapshot.stytch_member_id).first()
    if member is None or (proof is not None and not users.is_linked(member)):
        return None
    told = (snapshot.email, snapshot.email_verified, snapshot.name, from_stytch(snapshot.roles))
    known = (member.email, member.email_verified, member.name, member.role)
    return member if told == known else None


def _apply_deletion(told: MemberDeleted) -> Applied:
    theirs = {"stytch_member_id": told.stytch_member_id}
    row = (
        Member.objects.filter(**theirs).exclude(status=Status.REMOVED).first()
        or Invitation.objects.open().filter(**theirs).first()
    )
    if row is None:
        return Applied(member=Member.objects.filter(**theirs).first())
    organization = locks.lock_organization(row.organization_id)
    return Applied(
        organization,
        departures.apply_member_deletion(organization, told),
        departures.apply_invitation_deletion(organization, told.stytch_member_id),
    )
