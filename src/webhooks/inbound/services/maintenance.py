"""Maintain the inbound log by rescuing lost events and deleting expired payloads."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from kit import jobs
from webhooks.inbound.models import InboundEvent, State

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
OVERDUE_AFTER = timedelta(minutes=2)
PAYLOAD_RETENTION = timedelta(days=90)
# Far beyond the days a vendor may deliver again, so that a late duplicate is still known.
ROW_RETENTION = timedelta(days=400)


def rescue_overdue() -> int:
    """Defer a job for events long due and return how many.

    A duplicate job does no harm.
    """
    now = timezone.now()
    with transaction.atomic():
        overdue = list(
            InboundEvent.objects.unsettled()
            .filter(next_attempt_at__lt=now - OVERDUE_AFTER)
            .order_by("next_attempt_at")
            .select_for_update(skip_locked=True)
            .values_list("pk", flat=True)[:BATCH_SIZE]
        )
        InboundEvent.objects.filter(pk__in=overdue).update(next_attempt_at=now)
        for id_ in overdue:
            jobs.defer_job("inbound.process", event_id=str(id_))
    if overdue:
        log.warning("overdue_inbound_events_rescued", count=len(overdue))
    return len(overdue)


def delete_expired() -> int:
    """Delete payloads after 90 days and settled rows after 400, and return how many."""
    now = timezone.now()
    settled = InboundEvent.objects.filter(
        state__in=[State.SUCCEEDED, State.IGNORED, State.FAILED]
    ).order_by("received_at")
    emptied = removed = 0
    while batch := _select_batch(
        settled.filter(received_at__lt=now - PAYLOAD_RETENTION).exclude(payload="")
    ):
        emptied += InboundEvent.objects.filter(pk__in=batch).update(payload="")
    while batch := _select_batch(settled.filter(received_at__lt=now - ROW_RETENTION)):
        removed += InboundEvent.objects.filter(pk__in=batch).delete()[0]
    log.info("inbound_events_forgotten", payloads=emptied, rows=removed)
    return emptied + removed


def _select_batch(events: QuerySet[InboundEvent]) -> list[UUID]:
    return list(events.values_list("pk", flat=True)[:BATCH_SIZE])
