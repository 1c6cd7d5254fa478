"""Look up names for ids when the log is read, because the log stores none."""

from collections import defaultdict
from collections.abc import Iterable

from events import registry
from events.models import Event


def attach_names(events: Iterable[Event]) -> None:
    """Set `actor_name` and `target_name` on each event, with one look-up per kind of thing."""
    events = list(events)
    wanted: dict[str, set[str]] = defaultdict(set)
    for event in events:
        wanted[event.actor_kind].add(event.actor_id)
        wanted[event.target_type].add(event.target_id)
    found = {kind: registry.find_names(kind, ids) for kind, ids in wanted.items()}
    for event in events:
        event.actor_name = found[event.actor_kind].get(event.actor_id)
        event.target_name = found[event.target_type].get(event.target_id)
