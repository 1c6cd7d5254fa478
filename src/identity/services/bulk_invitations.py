"""Invite many people at once.

The rows are checked and reserved together and sent by jobs; each has its own result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction

from identity import rate_limits
from identity.models import Intent
from identity.roles import Role
from identity.services import invitations
from kit import jobs
from kit.errors import Problem, TooManyRequests
from kit.outbound import VendorUnavailable
from tenancy import locks
from tenancy.models import Organization

log = structlog.get_logger(__name__)

LEASE = timedelta(days=4)  # its job tries for three: until then no one else may settle it


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One address to invite."""

    email: str
    role: Role
    name: str = ""


def create_invitations(organization: Organization, *, rows: Sequence[Row]) -> list[Problem | None]:
    """Queue every invitation that is allowed.

    Returns for each row None, or the problem why not.
    """
    with transaction.atomic():
        organization = locks.lock_organization(organization.pk)
        return [_queue_row(organization, row) for row in rows]


def send_queued_invitation(intent_id: UUID) -> None:
    """Mail one of them in a job.

    A refusal closes its pending change.

    Raises VendorUnavailable and TooManyRequests, and leaves the intent open for the next attempt.
    """
    intent = Intent.objects.open().select_related("organization").filter(pk=intent_id).first()
    if intent is None:
        return
    rate_limits.count_invitation_mail(email=intent.details["email"])
    try:
        invitations.send_invitation(intent, will_retry=True)
    except (VendorUnavailable, TooManyRequests):
        raise
    except Problem as problem:
        log.info("invitation_refused", intent_id=str(intent_id), code=problem.code)


def _queue_row(organization: Organization, row: Row) -> Problem | None:
    try:
        with transaction.atomic():
            intent = invitations.prepare_invitation(
                organization, email=row.email, role=row.role, name=row.name, lease=LEASE
            )
            jobs.defer_job("identity.send_invitation", intent_id=str(intent.pk))
    except Problem as problem:
        return problem
    return None
