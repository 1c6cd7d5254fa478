"""Whose wish a change was: finds the open intent a transition fulfils, and closes it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.utils import timezone

from identity import actors
from identity.models import Intent, IntentKind, IntentState, Member
from identity.models.pending_changes import IntentQuerySet
from kit import actor as callers
from tenancy.models import Organization

ORGANIZATION = "organization"


def member(stytch_member_id: str) -> str:
    """The subject of an intent about a member, or about the member an invitation made."""
    return f"member:{stytch_member_id}"


def subject_of_member(row: Member) -> str:
    """Return the subject of an intent about this member; without a Stytch id, its own id names it.

    An empty id would be one subject for all members that Stytch does not have.
    """
    return member(row.stytch_member_id or str(row.pk))


def address(email: str) -> str:
    """The subject of an intent about an address that may have no member yet."""
    return f"address:{email.lower()}"


@contextmanager
def attributed(
    organization: Organization, subject: str, *kinds: IntentKind, role: str = ""
) -> Iterator[Intent | None]:
    """Act as the caller whose open intent this transition fulfils; otherwise as the directory.

    `role` must be the one the intent wanted. Write the event and send the signal inside, under the
    organization's lock: receivers keep books of who did it, too.
    """
    intent = _open(organization, subject, kinds, role).first()
    if intent is None:
        with actors.by_directory():
            yield None
        return
    close(intent, IntentState.DONE)  # first, so that receivers do not count it twice
    with callers.use(callers.from_arguments(intent.caller)):
        yield intent


def is_wanted(organization: Organization, subject: str, *kinds: IntentKind, role: str = "") -> bool:
    """Whether that is what somebody here has asked Stytch for a moment ago."""
    return _open(organization, subject, kinds, role).exists()


def _open(
    organization: Organization, subject: str, kinds: Collection[IntentKind], role: str
) -> IntentQuerySet:
    intents = Intent.objects.of(organization).open().filter(subject=subject, kind__in=kinds)
    return intents.filter(role=role) if role else intents


def close(intent: Intent, state: IntentState) -> None:
    """End an intent; one that was ended already stays as it is."""
    now = timezone.now()
    Intent.objects.open().filter(pk=intent.pk).update(state=state, closed_at=now, updated_at=now)
    intent.state = state
