"""Process events again by id, type, period or failure."""

from itertools import batched

from django.db import transaction
from django.utils import timezone

from kit import jobs
from webhooks.inbound.models import InboundEvent, InboundEventQuerySet, State

BATCH_SIZE = 500


def replay_events(events: InboundEventQuerySet) -> int:
    """Queue these events for their handlers, oldest first, and return how many.

    Handlers fetch the truth, so that replaying what succeeded changes nothing. An event whose
    payload was forgotten stays as it is.
    """
    ids = events.replayable().order_by("received_at").values_list("pk", flat=True)
    replayed = 0
    for batch in batched(list(ids), BATCH_SIZE):
        with transaction.atomic():
            replayed += InboundEvent.objects.filter(pk__in=batch).update(
                state=State.PENDING,
                attempts=0,
                first_attempt_at=None,
                next_attempt_at=timezone.now(),
                processed_at=None,
                last_error="",
            )
            for id_ in batch:
                jobs.defer_job("inbound.process", event_id=str(id_))
    return replayed
