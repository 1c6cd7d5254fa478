"""The jobs of identity."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.utils import timezone

from identity import directories, rate_limits
from identity.models import Invitation, PendingChange, RevokedSession
from identity.services import (
    bulk_invitations,
    invitations,
    pending_changes,
    queued_invitations,
    support_access,
    suspensions,
)
from identity.sessions import signing_keys
from identity.sync import fetch, last_admin, lost_events
from kit import jobs
from kit.errors import Problem, TooManyRequests
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization

log = structlog.get_logger(__name__)

EXPIRE_BATCH_SIZE = 100
CLOSED_CHANGE_RETENTION = timedelta(days=7)


@jobs.declare_task("identity.send_invitation")
def send_invitation(change_id: str) -> None:
    """Mail one invitation of a bulk."""
    bulk_invitations.send_queued_invitation(UUID(change_id))


@jobs.declare_task("identity.revoke_session")
def revoke_session(session_id: str) -> None:
    """Revoke a session at Stytch, which is refused here already."""
    try:
        directories.get_directory().revoke_session(session_id=session_id)
    except VendorNotFound:
        log.info("session_was_over")


@jobs.declare_task("identity.end_suspended_sessions")
def end_suspended_sessions(member_id: str) -> None:
    """End the sessions of a suspended member at Stytch, which are refused here already."""
    suspensions.end_suspended_sessions(UUID(member_id))


@jobs.declare_task("identity.refresh_signing_keys", retry=None, queue="upkeep", cron="*/10 * * * *")
def refresh_signing_keys() -> None:
    """Store the keys that the directory publishes, for processes that start while it is away."""
    signing_keys.refresh_stored_keys()


@jobs.declare_task("identity.pull_member")
def pull_member(stytch_member_id: str) -> None:
    """Fetch a member again when two snapshots disagree."""
    fetch.pull_member(stytch_member_id)


@jobs.declare_task("identity.pull_organization")
def pull_organization(organization_id: str) -> None:
    """Reconcile one organization with Stytch."""
    fetch.reconcile_by_id(UUID(organization_id))


@jobs.declare_task("identity.pull_directory", retry=None, queue="upkeep", cron="37 2 * * *")
def pull_directory() -> None:
    """Defer a nightly job for every organization, so that one failure does not stop the others.

    They are spread over time: half of what the directory allows is left to requests.
    """
    limit = directories.get_directory().capabilities.searches_per_minute
    spacing = timedelta(minutes=1) / (limit / 2)
    organization_ids = Organization.objects.live().order_by("pk").values_list("pk", flat=True)
    for number, organization_id in enumerate(organization_ids):
        jobs.defer_job(
            "identity.reconcile_organization",
            coalesce=str(organization_id),
            after=number * spacing,
            organization_id=str(organization_id),
        )


@jobs.declare_task("identity.reconcile_organization", retry=None, queue="upkeep")
def reconcile_organization(organization_id: str) -> None:
    """Reconcile one organization of the nightly run.

    A failure waits for the next night.
    """
    fetch.reconcile_by_id(UUID(organization_id))


@jobs.declare_task("identity.settle_pending_changes", retry=None, queue="upkeep", cron="* * * * *")
def settle_pending_changes() -> None:
    """Find out what became of changes whose process died, or whose answer never came."""
    pending_changes.resolve_stale_changes()


@jobs.declare_task("identity.compare_recent_rows", retry=None, queue="upkeep", cron="*/3 * * * *")
def compare_recent_rows() -> None:
    """Compare open invitations and recently changed members with Stytch, for lost webhooks."""
    lost_events.compare_recent_rows()


@jobs.declare_task("identity.expire_invitations", retry=None, queue="upkeep", cron="*/5 * * * *")
def expire_invitations() -> None:
    """Close overdue invitations, here and at Stytch, and queued ones that were never sent.

    In any order: those that Stytch refuses to close must not keep all others waiting.
    """
    queued_invitations.close_unsent_invitations()
    overdue = Invitation.objects.overdue().order_by("?")
    for invitation_id in list(overdue.values_list("pk", flat=True)[:EXPIRE_BATCH_SIZE]):
        try:
            invitations.expire_invitation(invitation_id)
        except (VendorUnavailable, TooManyRequests):
            return
        except (Problem, VendorRejected) as refusal:
            log.warning(
                "invitation_not_expired", invitation_id=str(invitation_id), code=refusal.code
            )


@jobs.declare_task("identity.update_missing_admins", retry=None, queue="upkeep", cron="* * * * *")
def update_missing_admins() -> None:
    """Flag organizations that have lost their last admin, and lift the flag of the others."""
    last_admin.update_all_missing_admins()


@jobs.declare_task(
    "identity.end_overdue_support_access", retry=None, queue="upkeep", cron="* * * * *"
)
def end_overdue_support_access() -> None:
    """Record in the audit trail that support access has expired."""
    support_access.end_overdue_access()


@jobs.declare_task("identity.delete_closed_changes", retry=None, queue="upkeep", cron="31 3 * * *")
def delete_closed_changes() -> None:
    """Delete pending changes closed long ago.

    The audit trail keeps what they changed.
    """
    PendingChange.objects.filter(closed_at__lt=timezone.now() - CLOSED_CHANGE_RETENTION).delete()


@jobs.declare_task(
    "identity.forget_revoked_sessions", retry=None, queue="upkeep", cron="23 * * * *"
)
def forget_revoked_sessions() -> None:
    """Drop revocations of sessions whose last token has run out by itself."""
    RevokedSession.objects.filter(expires_at__lt=timezone.now()).delete()


@jobs.declare_task(
    "identity.delete_expired_attempt_counters", retry=None, queue="upkeep", cron="*/15 * * * *"
)
def delete_expired_attempt_counters() -> None:
    """Delete counters of rate-limited attempts whose window has ended."""
    rate_limits.delete_expired()
