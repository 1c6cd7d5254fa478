"""Keep an admin in every organization.

Our own changes are refused; a change at Stytch is reported.
"""

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from identity import event_types, signals
from identity.errors import LastAdmin
from identity.models import Member, MissingAdmin, PendingChange
from identity.sync import attribution
from tenancy import locks
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


def update_missing_admin(organization: Organization) -> None:
    """Flag an organization whose directory left members without any admin, or lift the flag.

    The caller holds the organization's lock. The first sight is reported in the log and the audit
    trail and by the signal `admin_lost`.
    """
    members = Member.objects.in_organization(organization).active()
    flag = MissingAdmin.objects.in_organization(organization).open().first()
    is_missing = members.exists() and not members.admins().exists()
    if flag is None and is_missing and not organization.is_deleted:
        flag = MissingAdmin.objects.create(organization=organization)
        log.error("organization_without_admin", organization_id=str(organization.pk))
        events.record(organization, event_types.ADMIN_LOST, organization.pk)
        signals.admin_lost.send(sender=Member, organization=organization, missing_admin=flag)
    elif flag is not None and not is_missing:
        flag.resolved_at = timezone.now()
        flag.save(update_fields=["resolved_at", "updated_at"])
        log.info("organization_has_admin_again", organization_id=str(organization.pk))


def update_all_missing_admins() -> None:
    """Compare the flags of all organizations with their members, after any change.

    The flag of a deleted organization, which has no member left, is lifted.
    """
    members = Member.objects.filter(organization=OuterRef("pk")).active()
    has_admin, has_flag = (
        Exists(members.admins()),
        Exists(MissingAdmin.objects.open().filter(organization=OuterRef("pk"))),
    )
    unflagged = Organization.objects.live().filter(~has_admin, ~has_flag, Exists(members))
    resolved = Organization.objects.filter(has_flag, has_admin | ~Exists(members))
    ids = unflagged.values_list("pk", flat=True).union(resolved.values_list("pk", flat=True))
    for organization_id in list(ids):
        with transaction.atomic():
            update_missing_admin(locks.lock_organization(organization_id))
