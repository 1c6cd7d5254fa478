"""Change the members of an organization, through a pending change and a call to Stytch."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction

from identity import directories, signals
from identity.errors import MemberNotActive, MemberNotRemoved, RoleAssignedElsewhere
from identity.models import ChangeKind, Member, PendingChange, Status
from identity.roles import Role, to_stytch
from identity.services import pending_changes
from identity.sync import attribution, last_admin
from kit.errors import NotFound
from tenancy import locks
from tenancy.models import Organization


def get_member(organization: Organization, member_id: UUID) -> Member:
    """Return a member of this organization in any status.

    Raises NotFound.
    """
    members = Member.objects.in_organization(organization).select_related("user")
    member = members.filter(pk=member_id).first()
    if member is None:
        raise NotFound
    return member


@pending_changes.resolves_abandoned
def change_role(
    organization: Organization, *, member_id: UUID, role: Role, expected_seats: int | None = None
) -> Member:
    """Give an active member another role.

    `expected_seats` is the number of paid seats that the admin was shown.

    Raises NotFound, MemberNotActive, LastAdmin, ChangeInProgress, what a receiver of `seat_wanted`
    raises, RoleAssignedElsewhere when the organization's provider keeps the old role.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        member = get_member(organization, member_id)
        if not member.is_active:
            raise MemberNotActive
        if member.role == role:
            return member
        last_admin.require_other_admin(organization, losing=member)
        require_seat = partial(
            _require_seat,
            organization,
            role=role,
            before=member.role,
            reason="role_change",
            expected_seats=expected_seats,
        )
        change = _open_change(
            organization, member, ChangeKind.CHANGE_ROLE, role=role, check=require_seat
        )
    names = _get_stytch_ids(organization, member)
    pending_changes.execute_change(
        change, partial(directories.get_directory().set_roles, **names, roles=to_stytch(role))
    )
    changed = get_member(organization, member_id)
    if changed.role != role:
        raise RoleAssignedElsewhere
    return changed


def transfer_admin(organization: Organization, *, member_id: UUID, giver: Member) -> Member:
    """Make another member an admin, then the giver an ordinary member.

    Two whole changes, in this order: if the second cannot be done there are two admins, never none.
    """
    if member_id == giver.pk:
        raise NotFound("Name another member.")
    receiver = change_role(organization, member_id=member_id, role=Role.ADMIN)
    if get_member(organization, giver.pk).is_admin:  # or someone has taken it from them meanwhile
        change_role(organization, member_id=giver.pk, role=Role.MEMBER)
    return receiver


def remove_member(organization: Organization, *, member_id: UUID) -> Member:
    """Remove a member, so that its sessions end and its seat is free.

    Raises NotFound also for who was removed before, LastAdmin and ChangeInProgress.
    """
    return _remove_member(organization, member_id, details={})


def leave_organization(organization: Organization, *, member_id: UUID) -> Member:
    """Remove oneself. Raises LastAdmin and ChangeInProgress."""
    return _remove_member(organization, member_id, details={"left": True})


@pending_changes.resumes_abandoned(lambda applied: applied.member)
def reactivate_member(organization: Organization, *, member_id: UUID) -> Member:
    """Bring a removed member back.

    Raises NotFound, MemberNotRemoved, ChangeInProgress, and what `seat_wanted`'s receivers raise.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        member = get_member(organization, member_id)
        if member.status != Status.REMOVED:
            raise MemberNotRemoved
        require_seat = partial(
            _require_seat, organization, role=member.role, before="", reason="reactivation"
        )
        change = _open_change(
            organization, member, ChangeKind.REACTIVATE, role=member.role, check=require_seat
        )
    pending_changes.execute_change(
        change,
        partial(
            directories.get_directory().reactivate_member, **_get_stytch_ids(organization, member)
        ),
    )
    return get_member(organization, member_id)


@pending_changes.resumes_abandoned(lambda applied: applied.member)
def _remove_member(
    organization: Organization, member_id: UUID, *, details: dict[str, object]
) -> Member:
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        member = get_member(organization, member_id)
        if member.status == Status.REMOVED:
            raise NotFound
        last_admin.require_other_admin(organization, losing=member)
        change = _open_change(organization, member, ChangeKind.REMOVE, details=details)
    names = _get_stytch_ids(organization, member)
    pending_changes.execute_change(
        change, partial(directories.get_directory().delete_member, **names)
    )
    return get_member(organization, member_id)


def _open_change(
    organization: Organization,
    member: Member,
    kind: ChangeKind,
    *,
    role: str = "",
    details: dict[str, object] | None = None,
    check: Callable[[], None] | None = None,
) -> PendingChange:
    return pending_changes.open_change(
        organization=organization,
        kind=kind,
        subject=attribution.subject_of_member(member),
        role=role,
        role_before=member.role if member.is_active else "",
        details=details,
        check=check,
    )


def _get_stytch_ids(organization: Organization, member: Member) -> dict[str, str]:
    """Return Stytch's ids of the organization and the member."""
    return {
        "stytch_org_id": organization.stytch_org_id or "",
        "stytch_member_id": member.stytch_member_id or "",
    }


def _require_seat(
    organization: Organization,
    *,
    role: str,
    before: str,
    reason: str,
    expected_seats: int | None = None,
) -> None:
    signals.seat_wanted.send(
        sender=Member,
        organization=organization,
        role=role,
        before=before,
        reason=reason,
        expected_seats=expected_seats,
    )
