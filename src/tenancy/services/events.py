"""Record events of an organization from outside its schema."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from events.registry import EventType
from events.services import log
from tenancy import routing
from tenancy.models import Organization


def record(
    organization: Organization,
    type: EventType | str,  # noqa: A002 - the log's own word
    target_id: UUID | str,
    *,
    changes: Mapping[str, Sequence[object]] | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Append one event of the organization, by the current actor, in the running transaction.

    `changes` maps a field to what it was and what it is. Raises UnknownEventType.
    """
    with routing.activate(organization):
        log.record_event(type=type, target_id=target_id, changes=changes, details=details)
