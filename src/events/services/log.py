"""Record one event per change, in the transaction of the change."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection
from django_tenants.utils import get_public_schema_name

from events import registry
from events.models import Event
from events.registry import EventType
from kit import actor as actors


class OutsideTenant(RuntimeError):
    """An event was recorded while no organization's schema is active."""


def record_event(
    *,
    type: EventType | str,  # noqa: A002 - the field's own name
    target_id: UUID | str,
    changes: Mapping[str, Sequence[object]] | None = None,
    details: Mapping[str, object] | None = None,
) -> Event:
    """Append one event of the active organization, by the current actor.

    `changes` maps a field to what it was and what it is. Raises UnknownEventType for a type no one
    registered and OutsideTenant in the public schema.
    """
    known = registry.get_event_type(type)
    if connection.schema_name == get_public_schema_name():  # type: ignore[attr-defined]  # django-tenants' own
        raise OutsideTenant(known.name)
    actor = actors.get_actor()
    return Event.objects.create(
        type=known.name,
        target_type=known.target,
        target_id=str(target_id),
        actor_kind=actor.kind,
        actor_id=actor.id,
        changes={field: [before, after] for field, (before, after) in (changes or {}).items()},
        details=dict(details or {}),
        ip=actor.ip[:64],
        user_agent=actor.user_agent[:300],
        request_id=actor.request_id[:64],
    )
