"""Apply snapshots of invited, pending and active members."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from identity import event_types, signals
from identity.actors import act_as_directory, act_as_member
from identity.directories.types import MemberSnapshot, Proof
from identity.models import (
    ChangeKind,
    Invitation,
    InvitationStatus,
    Member,
    Status,
)
from identity.roles import Role, from_stytch
from identity.sync import last_admin, users
from identity.sync.attribution import attribute_change, is_wanted, subject_of_address
from identity.sync.attribution import subject_of_stytch_member as subject_of
from kit import actor as actors
from kit import jobs
from tenancy.models import Organization
from tenancy.services import events

INVITATION_LIFE = timedelta(days=7)  # Stytch's own default
PULL_DELAY = timedelta(seconds=1)

Changes = dict[str, tuple[object, object]]


# ── Invited ──────────────────────────────────────────────────────────────────────────────────


def apply_invited_member(organization: Organization, snapshot: MemberSnapshot) -> Invitation | None:
    """Store an invitation.

    Returns None when the snapshot is older than our row.
    """
    invitation = find_open_invitation(organization, snapshot)
    if invitation is not None:
        _update_invitation(organization, invitation, snapshot)
        return invitation
    if _is_invitation_over(organization, snapshot):
        return None
    return _create_invitation(organization, snapshot)


def find_open_invitation(organization: Organization, snapshot: MemberSnapshot) -> Invitation | None:
    """Return the open invitation of this member at Stytch, or else of its address."""
    same = Q(stytch_member_id=snapshot.stytch_member_id) | Q(email__lower=snapshot.email)
    return Invitation.objects.in_organization(organization).open().filter(same).first()


def _is_invitation_over(organization: Organization, snapshot: MemberSnapshot) -> bool:
    """Return whether the snapshot was read before the invitation was closed or accepted."""
    theirs = Q(stytch_member_id=snapshot.stytch_member_id)
    closed = Invitation.objects.in_organization(organization).filter(
        theirs, updated_at__gte=snapshot.read_at
    )
    joined = (
        Member.objects.in_organization(organization)
        .filter(theirs)
        .exclude(status__in=[Status.PENDING, Status.REMOVED])
    )
    return closed.exists() or joined.exists()


def _create_invitation(organization: Organization, snapshot: MemberSnapshot) -> Invitation:
    role = from_stytch(snapshot.roles)
    with attribute_change(organization, subject_of_address(snapshot.email), ChangeKind.INVITE):
        invitation = Invitation.objects.create(
            organization=organization,
            stytch_member_id=snapshot.stytch_member_id,
            email=snapshot.email,
            name=snapshot.name,
            role=role,
            invited_by=_find_inviter(organization),
            expires_at=timezone.now() + INVITATION_LIFE,
        )
        events.record(
            organization,
            event_types.INVITATION_CREATED,
            invitation.pk,
            changes={"email": (None, snapshot.email), "role": (None, role)},
        )
        signals.invitation_created.send(
            sender=Invitation, organization=organization, invitation=invitation
        )
    return invitation


def _find_inviter(organization: Organization) -> Member | None:
    actor = actors.get_actor()
    if actor.kind != "member":
        return None
    return Member.objects.in_organization(organization).filter(pk=actor.id).first()


def _update_invitation(
    organization: Organization, invitation: Invitation, snapshot: MemberSnapshot
) -> None:
    new: dict[str, object] = {
        "stytch_member_id": snapshot.stytch_member_id,
        "email": snapshot.email,
        "name": snapshot.name,
        "role": from_stytch(snapshot.roles),
    }
    changes = _assign_changed_fields(invitation, new)
    if not changes:
        return
    invitation.save()
    changes.pop("stytch_member_id", None)
    if changes:
        with act_as_directory():
            events.record(
                organization, event_types.INVITATION_UPDATED, invitation.pk, changes=changes
            )


# ── Pending and active ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transition:
    """The state of a member before an update, and how it came about."""

    was: Status | None
    role_before: Role
    invitation: Invitation | None
    in_person: bool

    def by(self, organization: Organization, member: Member) -> AbstractContextManager[object]:
        """Return the person, the actor of a pending change, or the directory."""
        if self.in_person or self.invitation is not None:
            return act_as_member(member.pk)
        subject = subject_of(member.stytch_member_id or "")
        return attribute_change(organization, subject, ChangeKind.REACTIVATE)


def apply_present_member(
    organization: Organization, snapshot: MemberSnapshot, proof: Proof | None
) -> Member:
    """Store a member.

    One transition records one event; an older snapshot changes nothing.
    """
    member = _find_or_build_row(organization, snapshot)
    if _is_stale(member, snapshot):
        return member
    if _is_doubtful(organization, member, snapshot):
        defer_pull(snapshot.stytch_member_id)
        return member
    users.split_user(member)
    transition = _Transition(
        was=None if member._state.adding else Status(member.status),  # noqa: SLF001 - documented API
        role_before=Role(member.role),
        invitation=find_open_invitation(organization, snapshot),
        in_person=proof is not None,
    )
    changes = _copy_snapshot(member, snapshot)
    users.link_user(member, proof)
    if member.is_active:
        _record_activation(organization, member, transition)
    if transition.was in {Status.ACTIVE, Status.SUSPENDED}:
        _record_changes(organization, member, transition, changes)
    return member


def _copy_snapshot(member: Member, snapshot: MemberSnapshot) -> Changes:
    """Copy the snapshot to the row, and return what changed."""
    changes = _assign_changed_fields(
        member,
        {
            "email": snapshot.email,
            "name": snapshot.name,
            "role": from_stytch(snapshot.roles),
            "status": _get_next_status(member, snapshot),
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


def _find_or_build_row(organization: Organization, snapshot: MemberSnapshot) -> Member:
    """Return the member's row, else the removed one of the same address, else a new one."""
    members = Member.objects.in_organization(organization).select_related("user")
    known = members.filter(stytch_member_id=snapshot.stytch_member_id).first()
    if known is not None:
        return known
    removed = members.filter(status=Status.REMOVED, email__lower=snapshot.email)
    former = removed.order_by("-removed_at").first()
    if former is None:
        return Member(
            organization=organization,
            user=users.create_placeholder_user(email=snapshot.email, name=snapshot.name),
            stytch_member_id=snapshot.stytch_member_id,
            email=snapshot.email,
            name=snapshot.name,
            role=from_stytch(snapshot.roles),
            status=Status.PENDING,
        )
    if users.is_verified_person(former.user):
        # A member Stytch has made again must show the address again to be that person.
        former.user = users.create_placeholder_user(
            email=snapshot.email, name=snapshot.name, replaces=former.user
        )
        former.proved_at = None
    return former


def _is_stale(member: Member, snapshot: MemberSnapshot) -> bool:
    if member.removed_at and member.stytch_member_id == snapshot.stytch_member_id:
        return snapshot.read_at <= member.removed_at
    if member.stytch_member_id != snapshot.stytch_member_id:
        return False
    if member.changed_at is None or snapshot.changed_at is None:
        return False
    return snapshot.changed_at < member.changed_at


def _is_doubtful(organization: Organization, member: Member, snapshot: MemberSnapshot) -> bool:
    """Return whether the snapshot may be older than an active member's row.

    Stytch's times are whole seconds, and another answer was written down after this was asked for.
    What we have just asked for ourselves is believed.
    """
    if not member.is_active or member.changed_at is None:
        return False
    if snapshot.changed_at != member.changed_at or snapshot.read_at > member.updated_at:
        return False
    role = from_stytch(snapshot.roles)
    told = (snapshot.email, snapshot.name, role)
    if told == (member.email, member.name, member.role):
        return False
    subject = subject_of(snapshot.stytch_member_id)
    return not is_wanted(organization, subject, ChangeKind.CHANGE_ROLE, role=role)


def defer_pull(stytch_member_id: str) -> None:
    """Defer another fetch of a member."""
    jobs.defer_job("identity.pull_member", after=PULL_DELAY, stytch_member_id=stytch_member_id)


def _get_next_status(member: Member, snapshot: MemberSnapshot) -> Status:
    """Return the status after an update.

    Suspension stays, and active never becomes pending.
    """
    now = Status(snapshot.status)
    if member.status == Status.SUSPENDED or member.suspended_at is not None:
        return Status.SUSPENDED
    if member.is_active and now == Status.PENDING:
        return Status.ACTIVE
    return now


def _record_activation(organization: Organization, member: Member, transition: _Transition) -> None:
    """Record that a member became active."""
    if transition.was in {Status.ACTIVE, Status.SUSPENDED}:
        return
    with transition.by(organization, member):
        if transition.invitation is not None:
            mark_invitation_accepted(organization, member, transition.invitation)
        if transition.was == Status.REMOVED:
            events.record(organization, event_types.MEMBER_REACTIVATED, member.pk)
            told = signals.member_reactivated
        else:
            role = {"role": (None, member.role)}
            events.record(organization, event_types.MEMBER_ADDED, member.pk, changes=role)
            told = signals.member_added
        told.send(sender=Member, organization=organization, member=member)


def mark_invitation_accepted(
    organization: Organization, member: Member, invitation: Invitation | None
) -> None:
    """Close an invitation whose person has become an active member."""
    if invitation is None:
        return
    invitation.status = InvitationStatus.ACCEPTED
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["status", "accepted_at", "updated_at"])
    events.record(
        organization,
        event_types.INVITATION_ACCEPTED,
        invitation.pk,
        details={"member_id": str(member.pk)},
    )
    signals.invitation_closed.send(
        sender=Invitation, organization=organization, invitation=invitation
    )


def _record_changes(
    organization: Organization, member: Member, transition: _Transition, changes: Changes
) -> None:
    """Record changes of role, name and address of a member that was active before."""
    if "role" in changes:
        _record_role_change(organization, member, transition.role_before)
    personal = {name: told for name, told in changes.items() if name in {"email", "name"}}
    if personal:
        with act_as_directory():
            events.record(organization, event_types.MEMBER_UPDATED, member.pk, changes=personal)


def _record_role_change(organization: Organization, member: Member, before: Role) -> None:
    subject = subject_of(member.stytch_member_id or "")
    with attribute_change(organization, subject, ChangeKind.CHANGE_ROLE, role=member.role):
        events.record(
            organization,
            event_types.MEMBER_ROLE_CHANGED,
            member.pk,
            changes={"role": (before, member.role)},
        )
        signals.member_role_changed.send(
            sender=Member,
            organization=organization,
            member=member,
            before=before,
            after=member.role,
        )
    if before == Role.ADMIN:
        last_admin.report_missing_admin(organization)


def _assign_changed_fields(row: Member | Invitation, new: dict[str, object]) -> Changes:
    """Set the fields that differ, and return their old and new values."""
    changes = {
        field: (getattr(row, field), value)
        for field, value in new.items()
        if getattr(row, field) != value
    }
    for field, (_, value) in changes.items():
        setattr(row, field, value)
    return changes
