"""Run one attempt of an event's handler and record the outcome."""

import json
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from kit import actor as actors
from kit import jobs, locks
from kit.actor import Actor
from kit.errors import Unavailable
from webhooks.inbound import registry
from webhooks.inbound.metrics import ATTEMPTS
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.registry import Ignored, ReceivedEvent, RetryLater

log = structlog.get_logger(__name__)

GIVE_UP_AFTER: Final = timedelta(days=3)
# An attempt that was killed is taken up again by its own job; this is for one whose job is gone.
MAX_ATTEMPT_DURATION: Final = timedelta(minutes=5)
MAX_ERROR_LENGTH: Final = 1_000
# How many seconds an event waits for another one of the same object before it comes again.
LOCK_WAIT_SECONDS: Final = 2.0
BUSY_RETRY_DELAY: Final = timedelta(seconds=5)


def process_event(*, event_id: UUID) -> None:
    """Run the handler of an event that is due, alone on the vendor's object.

    Safe to run any number of times: a settled event is left alone, and under the object's lock an
    event that says `processing` is one whose attempt died.
    """
    event = InboundEvent.objects.unsettled().filter(pk=event_id).first()
    if event is None:
        return
    request_id = actors.get_actor().request_id
    with actors.act_as(Actor(kind="vendor", id=event.source, request_id=request_id)):
        try:
            _process_alone(event)
        except Unavailable:
            jobs.defer_job("inbound.process", after=BUSY_RETRY_DELAY, event_id=str(event_id))


def _process_alone(event: InboundEvent) -> None:
    """Process the event under its object's lock. Raises Unavailable if another job holds it."""
    kind = registry.get_object_kind(event.source, event.type)
    key = event.object_key or event.external_id
    with locks.hold_vendor_object(event.source, kind, key, wait_seconds=LOCK_WAIT_SECONDS):
        if _claim_event(event):
            _attempt_event(event)


def link_to_organization(
    received: ReceivedEvent, *, organization_id: UUID | None = None, user_id: UUID | None = None
) -> None:
    """Store the organization an event concerns, once its handler knows."""
    known = {"organization_id": organization_id, "user_id": user_id}
    found = {field: value for field, value in known.items() if value is not None}
    if found:
        InboundEvent.objects.filter(pk=received.id).update(**found)


def _claim_event(event: InboundEvent) -> bool:
    now = timezone.now()
    claimed = (
        InboundEvent.objects.unsettled()
        .filter(pk=event.pk)
        .update(
            state=State.PROCESSING,
            attempts=F("attempts") + 1,
            first_attempt_at=Coalesce("first_attempt_at", now),
            next_attempt_at=now + MAX_ATTEMPT_DURATION,
        )
    )
    if claimed:
        event.refresh_from_db()
    return bool(claimed)


def _attempt_event(event: InboundEvent) -> None:
    try:
        _run_handler(event)
    except Ignored as reason:
        _record_end(event, State.IGNORED, str(reason))
    except RetryLater as later:
        _defer_retry(event, str(later), wait=timedelta(seconds=later.seconds))
    except Exception as error:
        log.warning("inbound_attempt_failed", **_find_organization(event), exc_info=error)
        _defer_retry(
            event,
            f"{type(error).__name__}: {error}",
            wait=jobs.STANDARD_BACKOFF.delay(event.attempts - 1),
        )
    else:
        _record_end(event, State.SUCCEEDED)


def _run_handler(event: InboundEvent) -> None:
    reason = registry.reason_to_ignore(event.source, event.type, livemode=event.livemode)
    handler = registry.find_handler(event.source, event.type)
    if reason or handler is None:
        raise Ignored(reason)
    received = ReceivedEvent(
        id=event.pk,
        source=event.source,
        type=event.type,
        object_key=event.object_key,
        payload=json.loads(event.payload),
        occurred_at=event.occurred_at,
    )
    handler(received)


def _record_end(event: InboundEvent, state: State, reason: str = "") -> None:
    """Record an outcome, unless a replay has made the event pending in the meantime."""
    InboundEvent.objects.filter(pk=event.pk, state=State.PROCESSING).update(
        state=state,
        processed_at=timezone.now(),
        next_attempt_at=None,
        last_error=_strip_unstorable(reason),
    )
    ATTEMPTS.labels(event.source, state.value).inc()
    log.info("inbound_event_settled", **_find_organization(event), state=state.value)


def _defer_retry(event: InboundEvent, error: str, *, wait: timedelta) -> None:
    """Defer another attempt after `wait`, for three days at most."""
    now = timezone.now()
    if event.first_attempt_at and now - event.first_attempt_at > GIVE_UP_AFTER:
        _record_end(event, State.FAILED, error)
        return
    with transaction.atomic():
        ours = InboundEvent.objects.filter(pk=event.pk, state=State.PROCESSING).update(
            state=State.RETRYING,
            next_attempt_at=now + wait * settings.JOB_DELAY_SCALE,
            last_error=_strip_unstorable(error),
        )
        if ours:
            jobs.defer_job("inbound.process", after=wait, event_id=str(event.pk))
    ATTEMPTS.labels(event.source, State.RETRYING.value).inc()


def _strip_unstorable(text: str) -> str:
    return text.replace("\0", "")[:MAX_ERROR_LENGTH].encode(errors="replace").decode()


def _find_organization(event: InboundEvent) -> dict[str, str]:
    return {"inbound_event": str(event.pk), "source": event.source, "type": event.type}
