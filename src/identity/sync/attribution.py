"""Find the pending change that a directory update completes, and close it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from django.utils import timezone

from identity.actors import act_as_directory
from identity.models import ChangeKind, ChangeState, Invitation, Member, PendingChange
from identity.models.pending_changes import PendingChangeQuerySet
from kit import actor as actors
from kit.addresses import normalize_email
from tenancy.models import Organization

ORGANIZATION_SUBJECT = "organization"
SECURITY_SUBJECT = "organization:security"


def subject_of_stytch_member(stytch_member_id: str) -> str:
    """Return the subject of a change about a member at Stytch."""
    return f"member:{stytch_member_id}"


def subject_of_member(row: Member) -> str:
    """Return the subject of a change about this member, by its own id if it has none at Stytch.

    An empty id would be one subject for all members that Stytch does not have.
    """
    return subject_of_stytch_member(row.stytch_member_id or str(row.pk))


def subject_of_invitation(row: Invitation) -> str:
    """Return the subject of a change about the invited member, by the row's id while it is queued."""
    return subject_of_stytch_member(row.stytch_member_id or str(row.pk))


def subject_of_address(email: str) -> str:
    """Return the subject of a change about an address that may have no member yet."""
    return f"address:{normalize_email(email)}"


@contextmanager
def attribute_change(
    organization: Organization,
    subject: str,
    *kinds: ChangeKind,
    role: str = "",
    result: Mapping[str, object] | None = None,
) -> Iterator[PendingChange | None]:
    """Act as the actor of the pending change that this update completes, else as the directory.

    `role` must be the one the pending change wanted, and the details it wanted must be among those of
    `result`. Write the event and send the signal inside, under the organization's lock, because
    receivers record the actor too.
    """
    change = _select_open(organization, subject, kinds, role=role, result=result).first()
    if change is None:
        with act_as_directory():
            yield None
        return
    close_change(change, ChangeState.DONE)  # first, so that receivers do not count it twice
    with actors.act_as(actors.actor_from_arguments(change.actor)):
        yield change


def is_wanted(
    organization: Organization,
    subject: str,
    *kinds: ChangeKind,
    role: str = "",
    result: Mapping[str, object] | None = None,
) -> bool:
    """Return whether a pending change asks for exactly this update."""
    return _select_open(organization, subject, kinds, role=role, result=result).exists()


def _select_open(
    organization: Organization,
    subject: str,
    kinds: Collection[ChangeKind],
    *,
    role: str,
    result: Mapping[str, object] | None,
) -> PendingChangeQuerySet:
    changes = (
        PendingChange.objects.in_organization(organization)
        .open()
        .filter(subject=subject, kind__in=kinds)
    )
    if role:
        changes = changes.filter(role=role)
    return changes if result is None else changes.filter(details__contained_by=dict(result))


def close_change(change: PendingChange, state: ChangeState) -> None:
    """Close a pending change, unless it is closed already."""
    now = timezone.now()
    PendingChange.objects.open().filter(pk=change.pk).update(
        state=state, closed_at=now, updated_at=now
    )
    change.state = state
