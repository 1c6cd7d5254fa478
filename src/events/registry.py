"""The event types there are: each slice registers its own in its `catalog` module.

ADDED = register(EventType("member.added", "auth", "A person became a member."))
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Family = Literal["auth", "subscription", "app"]

_NAME = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")


class MisnamedEventType(ValueError):
    """An event type is not named like `member.role_changed`, or its family is unknown."""


class AlreadyRegistered(RuntimeError):
    """Two event types of one name."""


class UnknownEventType(LookupError):
    """An event of a type nobody registered."""


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of change. `target` says what it happens to: the name's first word unless given."""

    name: str
    family: Family
    description: str
    target: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.family not in get_args(Family):
            raise MisnamedEventType(f"{self.name} ({self.family})")
        if not self.target:
            object.__setattr__(self, "target", self.name.partition(".")[0])


Names = Callable[[Collection[str]], Mapping[str, str]]

_types: dict[str, EventType] = {}
_names: dict[str, Names] = {}


def register(first: EventType, *others: EventType) -> EventType:
    """Make these types recordable; the first is returned so that a catalog can name it."""
    for type_ in (first, *others):
        if type_.name in _types:
            raise AlreadyRegistered(type_.name)
        _types[type_.name] = type_
    return first


def get(type_: EventType | str) -> EventType:
    """The registered type of that name. Raises UnknownEventType."""
    name = type_ if isinstance(type_, str) else type_.name
    try:
        return _types[name]
    except KeyError:
        raise UnknownEventType(name) from None


def all_types() -> list[EventType]:
    """Every registered type, by name."""
    return [_types[name] for name in sorted(_types)]


def register_names(kind: str, look_up: Names) -> None:
    """Declare how ids of a kind of actor or target become names: many at once, in one query."""
    if kind in _names:
        raise AlreadyRegistered(kind)
    _names[kind] = look_up


def names(kind: str, ids: Collection[str]) -> Mapping[str, str]:
    """The names known for these ids."""
    look_up = _names.get(kind)
    return look_up(ids) if look_up else {}
