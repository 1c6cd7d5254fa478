"""Who may tell us something, and what reacts to it: sources and handlers, registered at start-up.

registry.register_source(Source(name="stripe", secret=…, verify=…, read=…, livemode=…))

@registry.handles("stripe", "customer.subscription.updated")
def refresh(received: Received) -> None: ...
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

TOLERANCE_SECONDS = 300


class BadSignature(Exception):
    """The request was not signed by this source, or not just now."""


class Ignored(Exception):
    """Raised by a handler: this event concerns nobody here."""


class Later(Exception):
    """Raised by a handler: not yet possible, try again in so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class AlreadyRegistered(RuntimeError):
    """Two sources of one name, or two handlers of one event type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What the acknowledgement reads from a body; the job believes nothing of it but the ids.

    `object_key` names the vendor's object (`sub_…`, `member-…`): events of one object are processed
    one at a time. `livemode` is whether the event comes from the vendor's live mode.
    """

    external_id: str
    type: str
    object_key: str
    livemode: bool
    occurred_at: datetime
    organization_hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A vendor that may post to /webhooks/{name}.

    `secret` returns "" when the source is switched off. `verify` gets the raw body, the headers
    (any case) and the secret, and raises BadSignature. `read` may raise whatever a malformed body
    makes it raise. `livemode` tells which mode is ours; events of the other are stored as ignored.
    """

    name: str
    secret: Callable[[], str]
    verify: Callable[[bytes, Mapping[str, str], str], None]
    read: Callable[[bytes], Hint]
    livemode: Callable[[], bool] | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The event a handler is given. It is a rumour: fetch the object again before writing."""

    id: UUID
    source: str
    type: str
    object_key: str
    payload: dict[str, Any]
    occurred_at: datetime


Handler = Callable[[Received], None]

_sources: dict[str, Source] = {}
_handlers: dict[tuple[str, str], Handler] = {}


def register_source(source: Source) -> None:
    """Open /webhooks/{source.name}."""
    if source.name in _sources:
        raise AlreadyRegistered(source.name)
    _sources[source.name] = source


def handles(source: str, *types: str) -> Callable[[Handler], Handler]:
    """Declare the one handler of these event types of a source.

    It runs in a job as the caller "vendor", alone on its object, with no transaction open and maybe
    twice. It may raise Ignored or Later; anything else it raises is retried for three days.
    """

    def declare(handler: Handler) -> Handler:
        for type_ in types:
            if (source, type_) in _handlers:
                raise AlreadyRegistered(f"{source} {type_}")
            _handlers[source, type_] = handler
        return handler

    return declare


def find_source(name: str) -> Source | None:
    """The source of that name, if anybody registered it."""
    return _sources.get(name)


def find_handler(source: str, type_: str) -> Handler | None:
    """The handler of an event type, if any."""
    return _handlers.get((source, type_))


def reason_to_ignore(source: str, type_: str, *, livemode: bool) -> str:
    """Why an event is kept but not acted upon; empty when it is."""
    speaker = find_source(source)
    if speaker is None:
        return "no such source"
    if speaker.livemode is not None and speaker.livemode() != livemode:
        return "wrong mode: live" if livemode else "wrong mode: test"
    if find_handler(source, type_) is None:
        return "no handler"
    return ""


def sources() -> list[Source]:
    """All registered sources, by name."""
    return [_sources[name] for name in sorted(_sources)]


def handled_types(source: str) -> list[str]:
    """The event types of a source somebody handles: what to subscribe to at the vendor."""
    return sorted(type_ for owner, type_ in _handlers if owner == source)


def refuse_stale(timestamp: int) -> None:
    """Raise BadSignature when a signed time (Unix seconds) is over 300 s away, either way."""
    if abs(time.time() - timestamp) > TOLERANCE_SECONDS:
        raise BadSignature("signed too long ago or in the future")
