"""Record events and send signals for what a snapshot changed about a member."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from identity import event_types, signals
from identity.actors import act_as_directory, act_as_member
from identity.models import ChangeKind, Invitation, Member, Status
from identity.roles import Role
from identity.sync import invitations, last_admin
from identity.sync.attribution import attribute_change
from identity.sync.attribution import subject_of_stytch_member as subject_of
from identity.sync.changes import Changes
from tenancy.models import Organization
from tenancy.services import events

PRESENT_STATUSES = frozenset({Status.ACTIVE, Status.SUSPENDED})
PERSONAL_FIELDS = frozenset({"email", "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBefore:
    """The state of a member before a snapshot was applied."""

    status: Status | None  # None for a new row
    role: Role
    invitation: Invitation | None

    @property
    def was_present(self) -> bool:
        """Return whether the member was active or suspended."""
        return self.status in PRESENT_STATUSES


def record_activation(
    organization: Organization, member: Member, before: StateBefore, *, has_session: bool
) -> None:
    """Record that a member became active, and accept the open invitation."""
    if not member.is_active or before.was_present:
        return
    with _act_for_activation(organization, member, before, has_session=has_session):
        if before.invitation is not None:
            invitations.mark_accepted(organization, member, before.invitation)
        if before.status == Status.REMOVED:
            events.record(organization, event_types.MEMBER_REACTIVATED, member.pk)
            signal = signals.member_reactivated
        else:
            role = {"role": (None, member.role)}
            events.record(organization, event_types.MEMBER_ADDED, member.pk, changes=role)
            signal = signals.member_added
        signal.send(sender=Member, organization=organization, member=member)
    if member.is_admin:
        last_admin.update_missing_admin(organization)


def record_suspended_acceptance(
    organization: Organization, member: Member, before: StateBefore
) -> None:
    """Accept the open invitation of a member who stays suspended, so that it holds no seat."""
    if before.invitation is None:
        return
    with act_as_member(member.pk):
        invitations.mark_accepted(organization, member, before.invitation)


def _act_for_activation(
    organization: Organization, member: Member, before: StateBefore, *, has_session: bool
) -> AbstractContextManager[object]:
    """Act as the member who signed in or accepted, else as the requester of a reactivation."""
    if has_session or before.invitation is not None:
        return act_as_member(member.pk)
    subject = subject_of(member.stytch_member_id or "")
    return attribute_change(organization, subject, ChangeKind.REACTIVATE)


def record_changes(
    organization: Organization, member: Member, before: StateBefore, changes: Changes
) -> None:
    """Record the new role, name and address of a member who was present before.

    A removed member who comes back suspended is recorded, too.
    """
    if before.status == Status.REMOVED and member.status == Status.SUSPENDED:
        with act_as_directory():
            status = {"status": (before.status, member.status)}
            events.record(organization, event_types.MEMBER_SUSPENDED, member.pk, changes=status)
    if not before.was_present:
        return
    if "role" in changes:
        _record_role_change(organization, member, before.role)
    personal = {name: values for name, values in changes.items() if name in PERSONAL_FIELDS}
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
    last_admin.update_missing_admin(organization)


def record_removal(
    organization: Organization, member: Member, before: Status, kinds: tuple[ChangeKind, ...]
) -> None:
    """Record that a member was removed, for the actor of a pending change of these kinds."""
    subject = subject_of(member.stytch_member_id or "")
    with attribute_change(organization, subject, *kinds) as change:
        events.record(
            organization,
            event_types.MEMBER_REMOVED,
            member.pk,
            changes={"status": (before, Status.REMOVED)},
            details=change.details if change else None,
        )
        signals.member_removed.send(sender=Member, organization=organization, member=member)
