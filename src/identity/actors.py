"""Choose the actor of a change where it is not the caller of the request."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from uuid import UUID

from kit import actor as actors
from kit.actor import Actor


def act_as_directory() -> AbstractContextManager[object]:
    """Act as Stytch, for what its answer brings beyond what was asked for.

    Webhooks, commands and the nightly pull say themselves who they are.
    """
    current = actors.get_actor()
    if current.kind in {"vendor", "operator"} or (current.kind == "system" and current.id):
        return nullcontext()
    return actors.act_as(Actor(kind="vendor", id="stytch", request_id=current.request_id))


def act_anonymously() -> AbstractContextManager[object]:
    """Act as an unknown person, before it is known which member signs in."""
    return actors.act_as(replace(actors.get_actor(), kind="system", id=""))


def act_as_member(member_id: UUID) -> AbstractContextManager[object]:
    """Act as the member whose session this is."""
    return actors.act_as(replace(actors.get_actor(), kind="member", id=str(member_id)))
