"""Find the pending change that a directory update completes, and close it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.utils import timezone

from identity import actors
from identity.models import Intent, IntentKind, IntentState, Member
from identity.models.pending_changes import IntentQuerySet
from kit import actor as callers
from tenancy.models import Organization

ORGANIZATION = "organization"


def subject_of_stytch_member(stytch_member_id: str) -> str:
    """Return the subject of a change about a member at Stytch."""
    return f"member:{stytch_member_id}"


def subject_of_member(row: Member) -> str:
    """Return the subject of a change about this member, by its own id if it has none at Stytch.

    An empty id would be one subject for all members that Stytch does not have.
    """
    return subject_of_stytch_member(row.stytch_member_id or str(row.pk))


def subject_of_address(email: str) -> str:
    """Return the subject of a change about an address that may have no member yet."""
    return f"address:{email.lower()}"


@contextmanager
def attribute_change(
    organization: Organization, subject: str, *kinds: IntentKind, role: str = ""
) -> Iterator[Intent | None]:
    """Act as the actor of the pending change that this update completes, else as the directory.

    `role` must be the one the intent wanted. Write the event and send the signal inside, under the
    organization's lock: receivers keep books of who did it, too.
    """
    intent = _select_open(organization, subject, kinds, role).first()
    if intent is None:
        with actors.act_as_directory():
            yield None
        return
    close_change(intent, IntentState.DONE)  # first, so that receivers do not count it twice
    with callers.act_as(callers.actor_from_arguments(intent.caller)):
        yield intent


def is_wanted(organization: Organization, subject: str, *kinds: IntentKind, role: str = "") -> bool:
    """Return whether a pending change asks for exactly this update."""
    return _select_open(organization, subject, kinds, role).exists()


def _select_open(
    organization: Organization, subject: str, kinds: Collection[IntentKind], role: str
) -> IntentQuerySet:
    intents = Intent.objects.of(organization).open().filter(subject=subject, kind__in=kinds)
    return intents.filter(role=role) if role else intents


def close_change(intent: Intent, state: IntentState) -> None:
    """Close a pending change, unless it is closed already."""
    now = timezone.now()
    Intent.objects.open().filter(pk=intent.pk).update(state=state, closed_at=now, updated_at=now)
    intent.state = state
