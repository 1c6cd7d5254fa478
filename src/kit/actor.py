"""Who is acting: set by authentication, commands and the task glue; read by events and ledgers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Literal

Kind = Literal["member", "client", "vendor", "operator", "system"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The one who acts, by kind and id, and where the request came from.

    `id` is a member's id, a client environment's id, a vendor's name, an operator's user id or a
    command's name. Never an e-mail address: callers travel in job arguments and logs.
    """

    kind: Kind = "system"
    id: str = ""
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""

    def as_arguments(self) -> dict[str, str]:
        """What a deferred job carries: the same fields, without the empty ones."""
        return {key: value for key, value in asdict(self).items() if value}


SYSTEM = Caller()
_current: ContextVar[Caller] = ContextVar("caller", default=SYSTEM)


def current() -> Caller:
    """The caller of this request, job or command."""
    return _current.get()


def from_arguments(arguments: Mapping[str, str]) -> Caller:
    """The caller a job was deferred by; unknown keys of an older release are left out."""
    known = {key: value for key, value in arguments.items() if key in Caller.__dataclass_fields__}
    return Caller(**known)  # type: ignore[arg-type]  # kind was written by as_arguments


def identify(kind: Kind, id: str) -> None:  # noqa: A002 - the field's own name
    """Name the caller of the running request, keeping where it came from."""
    _current.set(replace(_current.get(), kind=kind, id=id))


@contextmanager
def use(caller: Caller) -> Iterator[Caller]:
    """Act as `caller` until the block ends."""
    token = _current.set(caller)
    try:
        yield caller
    finally:
        _current.reset(token)
