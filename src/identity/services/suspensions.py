"""Suspend members of an organization, and restore them.

Stytch has no suspension of a member, so it exists in our rows alone: a suspended member stays
active at Stytch, where a job ends its sessions. A sign-in there succeeds and is refused here, with
403 `member_suspended`.
"""

from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from identity import directories, event_types, signals
from identity.errors import (
    ChangeInProgress,
    MemberNotActive,
    MemberNotSuspended,
    SelfSuspension,
)
from identity.models import ChangeKind, Member, Status
from identity.services import members
from identity.sync import attribution, last_admin
from kit import jobs
from kit.outbound import VendorNotFound
from tenancy import locks
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)


def suspend_member(organization: Organization, *, member_id: UUID, by: Member) -> Member:
    """Suspend an active member, so that its sessions end and its seat is free.

    Raises NotFound, SelfSuspension, MemberNotActive and LastAdmin.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        member = members.get_member(organization, member_id)
        if member.pk == by.pk:
            raise SelfSuspension
        if not member.is_active:
            raise MemberNotActive
        last_admin.require_other_admin(organization, losing=member)
        now = timezone.now()
        member.suspended_at = member.sessions_ended_at = now
        member.readmitted_session_id = ""
        _change_status(organization, member, Status.SUSPENDED)
        jobs.defer_job("identity.end_suspended_sessions", member_id=str(member.pk))
    return member


def restore_member(organization: Organization, *, member_id: UUID) -> Member:
    """Let a suspended member act again, which takes a seat. Sessions begun before stay refused.

    Raises NotFound, MemberNotSuspended, ChangeInProgress while the member is being removed, and
    what a receiver of `seat_wanted` raises.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        member = members.get_member(organization, member_id)
        if member.status != Status.SUSPENDED:
            raise MemberNotSuspended
        subject = attribution.subject_of_member(member)
        if attribution.is_wanted(organization, subject, ChangeKind.REMOVE):
            raise ChangeInProgress("The member is being removed.")
        signals.seat_wanted.send(
            sender=Member,
            organization=organization,
            role=member.role,
            before="",
            reason="restoration",
        )
        member.suspended_at = None
        _change_status(organization, member, Status.ACTIVE)
    return member


def end_suspended_sessions(member_id: UUID) -> None:
    """End a suspended member's sessions at Stytch in a job, unless it was restored meanwhile."""
    member = Member.objects.filter(pk=member_id, status=Status.SUSPENDED).first()
    if member is None or not member.stytch_member_id:
        return
    try:
        directories.get_directory().revoke_member_sessions(stytch_member_id=member.stytch_member_id)
    except VendorNotFound:
        log.info("suspended_member_is_gone", member_id=str(member_id))


def _change_status(organization: Organization, member: Member, after: Status) -> None:
    """Save the new status, record the event and send the signal."""
    before, member.status = member.status, after
    member.save()
    is_suspended = after == Status.SUSPENDED
    event = event_types.MEMBER_SUSPENDED if is_suspended else event_types.MEMBER_RESTORED
    events.record(organization, event, member.pk, changes={"status": (before, after)})
    signal = signals.member_suspended if is_suspended else signals.member_restored
    signal.send(sender=Member, organization=organization, member=member)
