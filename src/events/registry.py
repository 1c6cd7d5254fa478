"""Register the types of events that may be recorded.

ADDED = register_types(EventType("member.added", "auth", "A person became a member."))
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Family = Literal["auth", "subscription", "app"]

_NAME_PATTERN = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")


class MisnamedEventType(ValueError):
    """An event type is not named like `member.role_changed`, or its family is unknown."""


class AlreadyRegistered(RuntimeError):
    """Two event types of one name."""


class UnknownEventType(LookupError):
    """Raised for an event type that no app registered."""


@dataclass(frozen=True, slots=True)
class EventType:
    """Describe a kind of change.

    `target` names what it happens to, by default the first word of the type's name.
    """

    name: str
    family: Family
    description: str
    target: str = ""

    def __post_init__(self) -> None:
        if not _NAME_PATTERN.fullmatch(self.name) or self.family not in get_args(Family):
            raise MisnamedEventType(f"{self.name} ({self.family})")
        if not self.target:
            object.__setattr__(self, "target", self.name.partition(".")[0])


Names = Callable[[Collection[str]], Mapping[str, str]]

_types: dict[str, EventType] = {}
_names: dict[str, Names] = {}


def register_types(first: EventType, *others: EventType) -> EventType:
    """Register these types and return the first, so that an `event_types` module can name it."""
    for type_ in (first, *others):
        if type_.name in _types:
            raise AlreadyRegistered(type_.name)
        _types[type_.name] = type_
    return first


def get_event_type(type_: EventType | str) -> EventType:
    """Return the registered type of that name. Raises UnknownEventType."""
    name = type_ if isinstance(type_, str) else type_.name
    try:
        return _types[name]
    except KeyError:
        raise UnknownEventType(name) from None


def all_types() -> list[EventType]:
    """Return every registered type, by name."""
    return [_types[name] for name in sorted(_types)]


def register_names(kind: str, look_up: Names) -> None:
    """Register how ids of a kind of actor or target become names, many in one query."""
    if kind in _names:
        raise AlreadyRegistered(kind)
    _names[kind] = look_up


def find_names(kind: str, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names known for these ids."""
    look_up = _names.get(kind)
    return look_up(ids) if look_up else {}
