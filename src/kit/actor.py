"""Hold who is acting in this request, job or command, for the audit log."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Literal

ActorKind = Literal["member", "client", "vendor", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, by kind and id, and where the request came from.

    `id` is a member's id, a client environment's id, a vendor's name, an operator's user id or a
    command's name. Never an e-mail address: callers travel in job arguments and logs.
    """

    kind: ActorKind = "system"
    id: str = ""
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""

    def as_arguments(self) -> dict[str, str]:
        """Return the fields that a deferred job carries, without the empty ones."""
        return {key: value for key, value in asdict(self).items() if value}


SYSTEM = Actor()
_current: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def get_actor() -> Actor:
    """Return who is acting in this request, job or command."""
    return _current.get()


def actor_from_arguments(arguments: Mapping[str, str]) -> Actor:
    """Return the actor a job was deferred by, ignoring unknown keys of other releases."""
    known = {key: value for key, value in arguments.items() if key in Actor.__dataclass_fields__}
    return Actor(**known)  # type: ignore[arg-type]  # kind was written by as_arguments


def identify_actor(kind: ActorKind, id: str) -> None:  # noqa: A002 - the field's own name
    """Name the actor of the running request, keeping where it came from."""
    _current.set(replace(_current.get(), kind=kind, id=id))


@contextmanager
def act_as(actor: Actor) -> Iterator[Actor]:
    """Act as `actor` until the block ends."""
    token = _current.set(actor)
    try:
        yield actor
    finally:
        _current.reset(token)
