"""Apply snapshots and deletions from Stytch to the stored rows.

Sign-in, the first request with a token, webhooks, the nightly pull and our own changes all end here.
Order, echoes and repetition do not matter: a snapshot without news writes nothing, and one
transition under the organization's lock writes exactly one event. The modules next to this one hold
the steps for each entity.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from identity.directories.types import (
    MemberDeleted,
    MemberSnapshot,
    OrganizationDeleted,
    OrganizationSnapshot,
    Proof,
    Snapshot,
)
from identity.models import Invitation, Member, Status
from identity.roles import from_stytch
from identity.sync import invitations, members, organizations, users
from identity.sync.changes import defer_pull, is_later_change
from tenancy import locks
from tenancy.models import Organization, TenantSchema


class UnknownOrganization(Exception):
    """Signal a member of an organization that is not stored yet and must be fetched first."""

    def __init__(self, stytch_org_id: str) -> None:
        super().__init__(stytch_org_id)
        self.stytch_org_id = stytch_org_id


@dataclass(frozen=True, slots=True)
class Applied:
    """The stored rows that an applied snapshot describes."""

    organization: Organization | None = None
    member: Member | None = None
    invitation: Invitation | None = None


def apply_snapshot(
    snapshot: Snapshot,
    *,
    proof: Proof | None = None,
    reservation: TenantSchema | None = None,
    new_member_id: UUID | None = None,
) -> Applied:
    """Update the stored rows from one snapshot or deletion.

    `proof` belongs to a snapshot that came with a session of the same member, `reservation` to a
    new organization whose schema was reserved, and `new_member_id` is the id of a row that has to
    be created. Raises: UnknownOrganization for a member of an
    organization that is not stored, SchemaNotReady when a new organization finds no schema.
    """
    with transaction.atomic():
        match snapshot:
            case OrganizationSnapshot():
                return Applied(organizations.apply_organization(snapshot, reservation))
            case OrganizationDeleted():
                return Applied(organizations.apply_organization_deletion(snapshot.stytch_org_id))
            case MemberSnapshot():
                return _apply_member(snapshot, proof, new_member_id)
            case MemberDeleted():
                return _apply_deletion(snapshot)


def is_known(stytch_org_id: str) -> bool:
    """Return whether an organization is stored, so that applying it needs no new schema."""
    return Organization.objects.filter(stytch_org_id=stytch_org_id).exists()


def lock_organizations_of(id_: UUID, snapshot: Snapshot) -> Organization:
    """Lock and return the organization of a snapshot, before a transaction that applies it."""
    if isinstance(snapshot, OrganizationSnapshot):
        return organizations.lock_with_slug_holder(id_, snapshot)
    return locks.lock_organizations({id_})[id_]


def _apply_member(
    snapshot: MemberSnapshot, proof: Proof | None, new_member_id: UUID | None
) -> Applied:
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
        if members.is_contested(organization, snapshot):
            defer_pull(snapshot.stytch_member_id)
            return Applied(organization)
        invitation = invitations.apply_invitation(organization, snapshot)
        return Applied(organization, invitation=invitation)
    member = members.apply_member(organization, snapshot, proof, new_member_id)
    return Applied(organization, member)


def _find_current_member(snapshot: MemberSnapshot, proof: Proof | None) -> Member | None:
    """Return the member if its row already equals the snapshot, so that no lock is needed."""
    if snapshot.status != "active":
        return None
    rows = Member.objects.active().select_related("organization", "user")
    member = rows.filter(stytch_member_id=snapshot.stytch_member_id).first()
    if member is None or (proof is not None and not users.is_linked(member)):
        return None
    received = (snapshot.email, snapshot.email_verified, snapshot.name, from_stytch(snapshot.roles))
    stored = (member.email, member.email_verified, member.name, member.role)
    return member if received == stored and not is_later_change(member, snapshot) else None


def _apply_deletion(deleted: MemberDeleted) -> Applied:
    same_id = {"stytch_member_id": deleted.stytch_member_id}
    row = (
        Member.objects.filter(**same_id).exclude(status=Status.REMOVED).first()
        or Invitation.objects.open().filter(**same_id).first()
    )
    if row is None:
        return Applied(member=Member.objects.filter(**same_id).first())
    organization = locks.lock_organization(row.organization_id)
    return Applied(
        organization,
        members.apply_member_deletion(organization, deleted),
        invitations.apply_invitation_deletion(organization, deleted),
    )
