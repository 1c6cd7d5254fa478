"""Register the sources of webhooks and the handlers of their events.

registry.register_source(Source(name="stripe", secret=…, verify=…, read=…, livemode=…))

@registry.handles_events("stripe", "customer.subscription.updated")
def follow_subscription(received: ReceivedEvent) -> None: ...
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

TIMESTAMP_TOLERANCE_SECONDS = 300


class BadSignature(Exception):
    """The request was not signed by this source, or not just now."""


class Ignored(Exception):
    """Raised by a handler for an event that concerns no organization here."""


class RetryLater(Exception):
    """Raised by a handler that cannot act yet, with the seconds to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class AlreadyRegistered(RuntimeError):
    """Two sources of one name, or two handlers of one event type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHeader:
    """Hold what the acknowledgement reads from a body, of which the job trusts only ids.

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
    (any case) and the secret, and raises BadSignature. `read` may raise any error a malformed body
    makes it raise. `livemode` tells which mode is ours; events of the other are stored as ignored.
    """

    name: str
    secret: Callable[[], str]
    verify: Callable[[bytes, Mapping[str, str], str], None]
    read: Callable[[bytes], EventHeader]
    livemode: Callable[[], bool] | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """Hold the event a handler gets.

    Its content may be stale, so fetch the object again before writing.
    """

    id: UUID
    source: str
    type: str
    object_key: str
    payload: dict[str, Any]
    occurred_at: datetime


Handler = Callable[[ReceivedEvent], None]

_sources: dict[str, Source] = {}
_handlers: dict[tuple[str, str], Handler] = {}
_kinds: dict[tuple[str, str], str] = {}


def register_source(source: Source) -> None:
    """Register a vendor that may post to /webhooks/{source.name}. Raises AlreadyRegistered."""
    if source.name in _sources:
        raise AlreadyRegistered(source.name)
    _sources[source.name] = source


def handles_events(source: str, *types: str, kind: str = "") -> Callable[[Handler], Handler]:
    """Declare the one handler of these event types of a source, about objects of one kind.

    It runs in a job as the actor "vendor", alone on its object, with no transaction open and maybe
    twice. It may raise Ignored or RetryLater; anything else it raises is retried for three days.
    """

    def declare(handler: Handler) -> Handler:
        for type_ in types:
            if (source, type_) in _handlers:
                raise AlreadyRegistered(f"{source} {type_}")
            _handlers[source, type_] = handler
            _kinds[source, type_] = kind
        return handler

    return declare


def find_source(name: str) -> Source | None:
    """Return the source of that name, or None."""
    return _sources.get(name)


def find_handler(source: str, type_: str) -> Handler | None:
    """Return the handler of an event type, or None."""
    return _handlers.get((source, type_))


def get_object_kind(source: str, type_: str) -> str:
    """Return the kind of object that events of this type are about, as the handler declared it."""
    return _kinds.get((source, type_), "")


def reason_to_ignore(source: str, type_: str, *, livemode: bool) -> str:
    """Return why an event is stored but not processed, or an empty string."""
    speaker = find_source(source)
    if speaker is None:
        return "no such source"
    if speaker.livemode is not None and speaker.livemode() != livemode:
        return "wrong mode: live" if livemode else "wrong mode: test"
    if find_handler(source, type_) is None:
        return "no handler"
    return ""


def list_sources() -> list[Source]:
    """Return all registered sources by name."""
    return [_sources[name] for name in sorted(_sources)]


def handled_types(source: str) -> list[str]:
    """Return the event types of a source to subscribe to at the vendor."""
    return sorted(type_ for owner, type_ in _handlers if owner == source)


def refuse_stale(timestamp: int) -> None:
    """Raise BadSignature when a signed time (Unix seconds) is over 300 s away, either way."""
    if abs(time.time() - timestamp) > TIMESTAMP_TOLERANCE_SECONDS:
        raise BadSignature("signed too long ago or in the future")
