"""Keep an admin in every organization.

Our own changes are refused; a change at Stytch is reported.
"""

import structlog

from identity import event_types
from identity.errors import LastAdmin
from identity.models import Member, PendingChange
from identity.sync import attribution
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)


def require_other_admin(organization: Organization, *, losing: Member) -> None:
    """Refuse to lose the last admin, counting pending changes as done, under the lock.

    Raises LastAdmin.
    """
    if not (losing.is_admin and losing.is_active):
        return
    leaving = set(
        PendingChange.objects.in_organization(organization)
        .losing_admins()
        .values_list("subject", flat=True)
    )
    others = Member.objects.in_organization(organization).admins().exclude(pk=losing.pk)
    if all(attribution.subject_of_member(other) in leaving for other in others):
        raise LastAdmin("Make another member an admin first.")


def report_missing_admin(organization: Organization) -> None:
    """Raise the alarm when the directory has left members without any admin."""
    members = Member.objects.in_organization(organization).active()
    if members.admins().exists() or not members.exists():
        return
    log.error("organization_without_admin", organization_id=str(organization.pk))
    events.record(organization, event_types.ADMIN_LOST, organization.pk)
