"""Invite many people at once.

The rows are checked and reserved together and sent by jobs; each has its own result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import transaction

from identity import rate_limits, signals
from identity.models import Invitation, PendingChange
from identity.roles import Role
from identity.services import invitations, queued_invitations
from kit import jobs
from kit.errors import Problem, TooManyRequests
from kit.outbound import VendorUnavailable
from tenancy import locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One address to invite."""

    email: str
    role: Role
    name: str = ""


def create_invitations(
    organization: Organization,
    *,
    rows: Sequence[Row],
    inviter_role: Role = Role.ADMIN,
    expected_seats: int | None = None,
) -> list[Invitation | Problem]:
    """Queue every invitation that is allowed.

    Returns for each row the queued invitation, or the problem why not. `expected_seats` is the number of paid seats
    that the inviter was shown for all rows; what a receiver of `seats_expected` raises refuses all.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        if expected_seats is not None:
            signals.seats_expected.send(
                sender=Invitation,
                organization=organization,
                roles=[row.role for row in rows],
                expected_seats=expected_seats,
            )
        rate_limits.lock_invitation_counters(row.email for row in rows)
        return [_queue_row(organization, row, inviter_role) for row in rows]


def send_queued_invitation(change_id: UUID) -> None:
    """Mail one of them in a job.

    A refusal closes its pending change.

    Raises VendorUnavailable, TooManyRequests and ChangeInProgress, and leaves the pending change
    open for the next attempt.
    """
    change = (
        PendingChange.objects.open().select_related("organization").filter(pk=change_id).first()
    )
    if change is None:
        return
    rate_limits.count_invitation_mail(email=change.details["email"])
    if not queued_invitations.claim_invitation(change):
        return
    try:
        invitations.send_invitation(change, will_retry=True)
    except (VendorUnavailable, TooManyRequests):
        queued_invitations.end_claim(change)
        raise
    except Problem as problem:
        log.info("invitation_refused", change_id=str(change_id), code=problem.code)
        queued_invitations.refuse_invitation(change, code=problem.code)


def _queue_row(organization: Organization, row: Row, inviter_role: Role) -> Invitation | Problem:
    try:
        with transaction.atomic():
            change = invitations.prepare_invitation(
                organization,
                email=row.email,
                role=row.role,
                name=row.name,
                inviter_role=inviter_role,
                lease=queued_invitations.BULK_LEASE,
            )
            jobs.defer_job("identity.send_invitation", change_id=str(change.pk))
            return queued_invitations.queue_invitation(change)
    except Problem as problem:
        return problem
