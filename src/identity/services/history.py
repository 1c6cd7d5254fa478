"""Writing identity's events into the organization's log, and deciding who they are by."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from uuid import UUID

from events.services import log
from kit import caller as callers
from kit.caller import Caller
from tenancy import routing
from tenancy.models import Organization


def write(
    organization: Organization,
    type: str,  # noqa: A002 - the log's own word
    target_id: UUID | str,
    *,
    changes: Mapping[str, tuple[object, object]] | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Append one event to the organization's log, in the running transaction."""
    with routing.activate(organization):
        log.record(type=type, target_id=target_id, changes=changes, details=details)


def by_directory() -> AbstractContextManager[object]:
    """Act as Stytch: what its answer tells beyond what we asked for was nobody's request here.

    Webhooks, commands and the nightly pull say themselves who they are.
    """
    current = callers.current()
    if current.kind in {"vendor", "operator"} or (current.kind == "system" and current.id):
        return nullcontext()
    return callers.use(Caller(kind="vendor", id="stytch", request_id=current.request_id))


@contextmanager
def by_nobody() -> Iterator[None]:
    """Act as whoever is at the other end, before it is known which member that is."""
    with callers.use(replace(callers.current(), kind="system", id="")):
        yield


@contextmanager
def by_member(member_id: UUID) -> Iterator[None]:
    """Act as the member whose session this is."""
    with callers.use(replace(callers.current(), kind="member", id=str(member_id))):
        yield
