"""Grant and end support access, which the organization's audit trail records."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from events.models import Event
from events.registry import EventType
from events.services import names
from identity import event_types
from identity.models import SupportAccess, User
from tenancy import locks, routing
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

MAX_DURATION: Final = timedelta(hours=8)
EVENT_PAGE_SIZE: Final = 50


class SupportAccessRequired(Exception):
    """Raised when a member of staff reads an organization's data without open access."""


@transaction.atomic
def grant_access(
    *, organization_id: UUID, staff: User, reason: str, duration: timedelta
) -> SupportAccess:
    """Open access for one member of staff, in place of an open one of the same person.

    Raises ValueError for a duration that is not within the limit.
    """
    if not timedelta(0) < duration <= MAX_DURATION:
        raise ValueError(f"support access lasts at most {MAX_DURATION}")
    organization = locks.lock_organization(organization_id)
    for earlier in SupportAccess.objects.filter(
        organization=organization, staff=staff, ended_at=None
    ):
        _end(organization, earlier, cause="replaced")
    access = SupportAccess.objects.create(
        organization=organization,
        staff=staff,
        reason=reason,
        expires_at=timezone.now() + duration,
    )
    _record(organization, event_types.SUPPORT_ACCESS_GRANTED, access, expires_at=access.expires_at)
    return access


@transaction.atomic
def end_access(access_id: UUID, *, cause: str = "ended") -> bool:
    """End access before or after its time, or return False if its end is recorded already."""
    organization_id = SupportAccess.objects.values_list("organization_id", flat=True).get(
        pk=access_id
    )
    organization = locks.lock_organization(organization_id)
    access = SupportAccess.objects.get(pk=access_id)
    if access.ended_at is not None:
        return False
    _end(organization, access, cause=cause)
    return True


def end_overdue_access() -> None:
    """Record the end of each access that has expired."""
    for access_id in list(SupportAccess.objects.overdue().values_list("pk", flat=True)):
        end_access(access_id, cause="expired")


def get_open_access(access_id: UUID, *, staff: User) -> SupportAccess:
    """Return access that is open and belongs to this member of staff, and log its use.

    Raises SupportAccessRequired.
    """
    access = SupportAccess.objects.open().filter(pk=access_id, staff=staff).first()
    if access is None:
        raise SupportAccessRequired
    log.info("support_access_used", support_access_id=str(access.pk), user_id=str(staff.pk))
    return access


def read_events(
    access_id: UUID, *, staff: User, before: UUID | None = None
) -> tuple[Sequence[Event], bool]:
    """Return a page of the organization's events, the newest first, and whether older ones follow.

    Raises SupportAccessRequired unless the access is open and belongs to this member of staff.
    """
    access = get_open_access(access_id, staff=staff)
    with routing.activate(access.organization):
        older = Event.objects.filter(pk__lt=before) if before else Event.objects.all()
        found = list(older.order_by("-pk")[: EVENT_PAGE_SIZE + 1])
        names.attach_names(found)
    return found[:EVENT_PAGE_SIZE], len(found) > EVENT_PAGE_SIZE


def _end(organization: Organization, access: SupportAccess, *, cause: str) -> None:
    access.ended_at = min(timezone.now(), access.expires_at)
    access.save(update_fields=["ended_at", "updated_at"])
    _record(organization, event_types.SUPPORT_ACCESS_ENDED, access, cause=cause)


def _record(
    organization: Organization, type_: EventType, access: SupportAccess, **details: object
) -> None:
    said = {"staff": access.staff.get_short_name(), "reason": access.reason, **details}
    events.record(organization, type_, access.pk, details=said)
