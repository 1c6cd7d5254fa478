"""Keep members in step with Stytch.

`apply_member` runs these steps in this order, under the organization's lock:

    snapshot
       │
       ├─  1. skip a contested one       another present member has the address: both are fetched
       ├─  2. find or build the row      same Stytch id, else a removed row of the address, else new
       ├─  3. skip an outdated snapshot  → nothing changed
       ├─  4. skip an ambiguous one      → nothing changed, the member is fetched again
       ├─  5. split the user             a returning member whose user is another member here
       ├─  6. read the state before      status, role, open invitation
       ├─  7. decide a suspension        of a removed member who comes back
       ├─  8. save the row               fields, status, dates
       ├─  9. link the user              only with the proof of a session
       ├─ 10. record the activation      events and signals of a member who became active
       └─ 11. record the changes         events and signals of a member who was present before
       │
     member
"""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from identity.directories.types import MemberDeleted, MemberSnapshot, Proof
from identity.models import ChangeKind, Member, Status
from identity.roles import Role, from_stytch
from identity.sync import invitations, last_admin, member_events, security, users
from identity.sync.attribution import is_wanted
from identity.sync.attribution import subject_of_stytch_member as subject_of
from identity.sync.changes import (
    Changes,
    assign_changed_fields,
    defer_pull,
    is_ambiguous,
    is_outdated,
)
from identity.sync.member_events import StateBefore
from kit.addresses import normalize_email
from kit.ids import uuid7
from tenancy.models import Organization


def apply_member(
    organization: Organization,
    snapshot: MemberSnapshot,
    proof: Proof | None,
    new_member_id: UUID | None = None,
) -> Member | None:
    """Create or update the member that a snapshot describes.

    One transition writes one event, and an outdated snapshot changes nothing. Returns None when
    another member has the address and only a later answer can tell which one is left.
    """
    if is_contested(organization, snapshot) and proof is None:
        defer_pull(snapshot.stytch_member_id)
        return None
    member = _find_or_build_row(organization, snapshot, new_member_id)
    if _is_outdated(member, snapshot):
        return member
    if _is_ambiguous(organization, member, snapshot):
        defer_pull(snapshot.stytch_member_id)
        return member
    users.split_user(member)
    before = _read_state_before(organization, member, snapshot)
    _decide_suspension(organization, member, before)
    changes = _save_row(member, snapshot)
    users.link_user(member, proof)
    member_events.record_activation(organization, member, before, has_session=proof is not None)
    if member.status == Status.SUSPENDED and snapshot.status == "active":
        member_events.record_suspended_acceptance(organization, member, before)
    member_events.record_changes(organization, member, before, changes)
    return member


def apply_member_deletion(organization: Organization, deleted: MemberDeleted) -> Member | None:
    """Remove the member that Stytch has deleted, under the organization's lock.

    Returns None for an unknown id. A member who was updated after the deletion was read may be back
    at Stytch, so it is fetched again instead.
    """
    stytch_member_id = deleted.stytch_member_id
    member = (
        Member.objects.in_organization(organization)
        .filter(stytch_member_id=stytch_member_id)
        .first()
    )
    if member is None or member.status == Status.REMOVED:
        return member
    # Revoking an invitation that was accepted just before removes the new member.
    kinds = (ChangeKind.REMOVE, ChangeKind.REVOKE)
    is_old = deleted.read_at is not None and deleted.read_at <= member.updated_at
    if is_old and not is_wanted(organization, subject_of(stytch_member_id), *kinds):
        defer_pull(stytch_member_id)
        return member
    before = _mark_removed(member, deleted)
    member_events.record_removal(organization, member, before, kinds)
    last_admin.update_missing_admin(organization)
    return member


# ── Steps 1 to 4: the row, and whether the snapshot counts ───────────────────────────────────


def is_contested(organization: Organization, snapshot: MemberSnapshot) -> bool:
    """Return whether a member not stored yet has the address of another present one.

    At Stytch an address has one member in an organization, so one of the two is gone: the other one
    is fetched again. Two spellings of one address may be two members there, and stay two here.
    """
    members = Member.objects.in_organization(organization)
    if members.filter(stytch_member_id=snapshot.stytch_member_id).exists():
        return False
    same_address = members.exclude(status=Status.REMOVED).filter(
        email_key=normalize_email(snapshot.email), email=snapshot.email
    )
    holder = same_address.exclude(stytch_member_id=None).first()
    if holder is not None:
        defer_pull(holder.stytch_member_id or "")
    return holder is not None


def _find_or_build_row(
    organization: Organization, snapshot: MemberSnapshot, new_member_id: UUID | None
) -> Member:
    """Find the member's row, or a removed row of the same address, or build a new one."""
    members = Member.objects.in_organization(organization).select_related("user")
    known = members.filter(stytch_member_id=snapshot.stytch_member_id).first()
    if known is not None:
        return known
    removed = members.filter(status=Status.REMOVED, email_key=normalize_email(snapshot.email))
    former = removed.order_by("-removed_at").first()
    if former is None:
        return _build_row(organization, snapshot, new_member_id or uuid7())
    if users.is_verified_person(former.user):
        # A member created again at Stytch must prove the address again to be linked to this user.
        former.user = users.create_placeholder_user(
            email=snapshot.email, name=snapshot.name, replaces=former.user
        )
        former.proved_at = None
    former.email_changed_at = _read_email_change(snapshot) or former.email_changed_at
    return former


def _build_row(organization: Organization, snapshot: MemberSnapshot, id_: UUID) -> Member:
    return Member(
        id=id_,
        organization=organization,
        user=users.create_placeholder_user(email=snapshot.email, name=snapshot.name),
        stytch_member_id=snapshot.stytch_member_id,
        email=snapshot.email,
        name=snapshot.name,
        role=from_stytch(snapshot.roles),
        status=Status.PENDING,
        email_changed_at=_read_email_change(snapshot),
    )


def _read_email_change(snapshot: MemberSnapshot) -> datetime | None:
    """Return a time no earlier than the change of address of a member not stored before."""
    return (snapshot.changed_at or snapshot.read_at) if snapshot.has_former_email else None


def _is_outdated(member: Member, snapshot: MemberSnapshot) -> bool:
    if member.removed_at and member.stytch_member_id == snapshot.stytch_member_id:
        return snapshot.read_at <= member.removed_at
    return member.stytch_member_id == snapshot.stytch_member_id and is_outdated(member, snapshot)


def _is_ambiguous(organization: Organization, member: Member, snapshot: MemberSnapshot) -> bool:
    """Return whether a differing snapshot may be older or newer than the stored active member.

    A role change requested here a short time ago is trusted.
    """
    if not member.is_active or not is_ambiguous(member, snapshot):
        return False
    role = from_stytch(snapshot.roles)
    if (snapshot.email, snapshot.name, role) == (member.email, member.name, member.role):
        return False
    subject = subject_of(snapshot.stytch_member_id)
    return not is_wanted(organization, subject, ChangeKind.CHANGE_ROLE, role=role)


# ── Steps 6 to 8: read and save ──────────────────────────────────────────────────────────────


def _read_state_before(
    organization: Organization, member: Member, snapshot: MemberSnapshot
) -> StateBefore:
    is_new = member._state.adding  # noqa: SLF001 - documented API
    return StateBefore(
        status=None if is_new else Status(member.status),
        role=Role(member.role),
        invitation=invitations.find_open_invitation(organization, snapshot),
    )


def _decide_suspension(organization: Organization, member: Member, before: StateBefore) -> None:
    """Lift the suspension of a removed member, reactivated or invited again by an admin.

    A directory that deletes and creates a member, and a person who joins by the domain, have no
    such pending change or invitation: they are suspended where a removal is final.
    """
    if member.status != Status.REMOVED:
        return
    is_invited = before.invitation is not None and before.invitation.invited_by_id is not None
    subject = subject_of(member.stytch_member_id or "")
    if is_invited or is_wanted(organization, subject, ChangeKind.REACTIVATE):
        member.suspended_at = None
    elif member.suspended_at is None and security.keeps_removed_out(organization):
        member.suspended_at = timezone.now()


def _save_row(member: Member, snapshot: MemberSnapshot) -> Changes:
    """Copy the snapshot to the row, save it and return the changed fields."""
    changes = assign_changed_fields(
        member,
        {
            "email": snapshot.email,
            "name": snapshot.name,
            "role": from_stytch(snapshot.roles),
            "status": _choose_status(member, snapshot),
        },
    )
    member.stytch_member_id = snapshot.stytch_member_id
    member.email_verified = snapshot.email_verified
    member.changed_at = snapshot.changed_at or member.changed_at
    if "email" in changes:
        users.unlink_user(member)
    if member.status != Status.REMOVED:
        member.removed_at = None
    member.save()
    return changes


def _choose_status(member: Member, snapshot: MemberSnapshot) -> Status:
    """Return the new status of a member.

    No snapshot lifts a suspension, and at Stytch an active member never becomes pending again.
    """
    new_status = Status(snapshot.status)
    if member.status == Status.SUSPENDED or member.suspended_at is not None:
        return Status.SUSPENDED
    if member.is_active and new_status == Status.PENDING:
        return Status.ACTIVE
    return new_status


def _mark_removed(member: Member, deleted: MemberDeleted) -> Status:
    """Save the member as removed, end its sessions and return the status before.

    The removal counts from when it was read, so that a reactivation read afterwards is newer.
    """
    before = Status(member.status)
    now = timezone.now()
    if before == Status.SUSPENDED:
        member.suspended_at = member.suspended_at or now
    member.status = Status.REMOVED
    member.removed_at = deleted.read_at or now
    member.sessions_ended_at = now
    member.readmitted_session_id = ""
    member.save()
    return before
