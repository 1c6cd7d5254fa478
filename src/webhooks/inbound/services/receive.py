"""Verify and store an event once, and leave the rest to a job.

Insert and defer are one statement, hence one transaction and one round trip: an acknowledged event
has its job, and a flood of deliveries costs half of what two statements would.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.db import connection
from django.utils import timezone

from kit import actor as actors
from kit import ids, jobs
from kit.actor import Actor
from kit.errors import NotFound, UnsupportedMediaType
from webhooks.inbound import registry
from webhooks.inbound.errors import SignatureRefused, UnreadableEvent
from webhooks.inbound.metrics import EVENTS_RECEIVED
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.registry import BadSignature, EventHeader, Source

log = structlog.get_logger(__name__)

QUEUE_NAME: Final = "inbound"
UNREADABLE_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# Versioned by Procrastinate; tests/webhooks/test_receive.py fails when an upgrade moves it.
STORE_SQL: Final = """
WITH stored AS (
    INSERT INTO inbound_event (
        id, source, external_id, type, object_key, organization_hint, state, livemode, payload,
        occurred_at, received_at, next_attempt_at, attempts, last_error
    )
    VALUES (
        %(id)s, %(source)s, %(external_id)s, %(type)s, %(object_key)s, %(organization_hint)s,
        %(state)s, %(livemode)s, %(payload)s, %(occurred_at)s, %(now)s, %(due)s, 0, %(reason)s
    )
    ON CONFLICT (source, external_id) DO NOTHING
    RETURNING state
), deferred AS (
    SELECT procrastinate_defer_jobs_v1(
        ARRAY[ROW(%(queue)s, 'inbound.process', 0, NULL, NULL, %(arguments)s::jsonb, NULL)]
        ::procrastinate_job_to_defer_v1[]
    ) AS jobs
    FROM stored WHERE state = 'pending'
)
SELECT stored.state, deferred.jobs FROM stored LEFT JOIN deferred ON true
"""


def receive_event(*, source: str, body: bytes, headers: Mapping[str, str], media_type: str) -> None:
    """Store what a vendor posted unless it is known, so that it cannot be lost afterwards.

    Raises NotFound for a source no one registered or switched on, UnsupportedMediaType,
    SignatureRefused and UnreadableEvent.
    """
    speaker = registry.find_source(source)
    secret = speaker.secret() if speaker else ""
    if speaker is None or not secret:
        raise NotFound
    if media_type != speaker.media_type:
        raise UnsupportedMediaType
    try:
        speaker.verify(body, headers, secret)
    except (BadSignature, *UNREADABLE_ERRORS) as error:
        EVENTS_RECEIVED.labels(source, "refused").inc()
        log.warning("inbound_event_refused", source=source, reason=type(error).__name__)
        raise SignatureRefused from None
    store_event(speaker, body)


def store_event(source: Source, body: bytes) -> bool:
    """Store a verified event and defer its job, or return False if known. Raises UnreadableEvent."""
    try:
        payload = body.decode()
        hint = _check_header(source.read(body))
    except UNREADABLE_ERRORS as error:
        EVENTS_RECEIVED.labels(source.name, "unreadable").inc()
        log.warning("inbound_event_unreadable", source=source.name, reason=type(error).__name__)
        raise UnreadableEvent from None
    reason = registry.reason_to_ignore(source.name, hint.type, livemode=hint.livemode)
    is_new = _store_row(source.name, hint, payload, reason)
    outcome = "duplicate" if not is_new else "ignored" if reason else "stored"
    EVENTS_RECEIVED.labels(source.name, outcome).inc()
    log.info(
        "inbound_event_received",
        source=source.name,
        type=hint.type,
        external_id=hint.external_id,
        outcome=outcome,
    )
    return is_new


def _check_header(hint: EventHeader) -> EventHeader:
    """Return the header if its texts fit their columns. Raises ValueError."""
    texts = {
        "external_id": hint.external_id,
        "type": hint.type,
        "object_key": hint.object_key,
        "organization_hint": hint.organization_hint or "",
    }
    for name, text in texts.items():
        column = InboundEvent._meta.get_field(name)  # noqa: SLF001 - Django's documented _meta
        limit = getattr(column, "max_length", 0)
        # Neither NUL nor half a surrogate pair is printable, and PostgreSQL stores neither.
        if len(text) > limit or not text.isprintable():
            raise ValueError(name)
    if not hint.external_id or not hint.type or timezone.is_naive(hint.occurred_at):
        raise ValueError("external_id, type or occurred_at")
    return hint


def _store_row(source: str, hint: EventHeader, payload: str, reason: str) -> bool:
    now: datetime = timezone.now()
    id_ = ids.uuid7()
    carried = Actor(kind="vendor", id=source, request_id=actors.get_actor().request_id)
    arguments = {"event_id": str(id_), jobs.ACTOR_ARGUMENT: carried.as_arguments()}
    values: dict[str, str | bool | UUID | datetime | None] = {
        "id": id_,
        "source": source,
        "external_id": hint.external_id,
        "type": hint.type,
        "object_key": hint.object_key,
        "organization_hint": hint.organization_hint or "",
        "state": State.IGNORED if reason else State.PENDING,
        "livemode": hint.livemode,
        "payload": payload,
        "occurred_at": hint.occurred_at,
        "now": now,
        "due": None if reason else now,
        "reason": reason,
        "queue": QUEUE_NAME,
        "arguments": json.dumps(arguments),
    }
    with connection.cursor() as cursor:
        cursor.execute(STORE_SQL, values)
        return cursor.fetchone() is not None
