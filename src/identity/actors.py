"""Who a change is by, where it is not simply whoever called."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from uuid import UUID

from kit import actor as callers
from kit.actor import Caller


def by_directory() -> AbstractContextManager[object]:
    """Act as Stytch: what its answer tells beyond what we asked for was nobody's request here.

    Webhooks, commands and the nightly pull say themselves who they are.
    """
    current = callers.current()
    if current.kind in {"vendor", "operator"} or (current.kind == "system" and current.id):
        return nullcontext()
    return callers.use(Caller(kind="vendor", id="stytch", request_id=current.request_id))


def by_nobody() -> AbstractContextManager[object]:
    """Act as whoever is at the other end, before it is known which member that is."""
    return callers.use(replace(callers.current(), kind="system", id=""))


def by_member(member_id: UUID) -> AbstractContextManager[object]:
    """Act as the member whose session this is."""
    return callers.use(replace(callers.current(), kind="member", id=str(member_id)))
