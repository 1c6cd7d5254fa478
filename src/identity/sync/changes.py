"""Compare a row with a snapshot, decide which is newer, and copy the fields that differ.

Stytch's times are whole seconds, and an answer may be applied long after it was made. So a snapshot
is newer than the row if its time of change is, or if it was requested after the row was stored.
"""

from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Model

from identity.directories.types import MemberSnapshot, OrganizationSnapshot
from kit import jobs

PULL_DELAY = timedelta(seconds=1)

Changes = dict[str, tuple[object, object]]


class SyncedRow(Protocol):
    """A stored row that a snapshot describes."""

    changed_at: datetime | None  # the directory's time of the last change that was stored
    updated_at: datetime  # our time of the last write


def is_outdated(row: SyncedRow, snapshot: MemberSnapshot | OrganizationSnapshot) -> bool:
    """Return whether the directory changed the object again after this snapshot was made."""
    if row.changed_at is None or snapshot.changed_at is None:
        return False
    return snapshot.changed_at < row.changed_at


def is_later_change(row: SyncedRow, snapshot: MemberSnapshot | OrganizationSnapshot) -> bool:
    """Return whether the snapshot was made after a later change than the stored one."""
    if snapshot.changed_at is None:
        return False
    return row.changed_at is None or snapshot.changed_at > row.changed_at


def is_ambiguous(row: SyncedRow, snapshot: MemberSnapshot | OrganizationSnapshot) -> bool:
    """Return whether a snapshot that differs may be older or newer than the stored row.

    Such an object must be fetched again: the row was stored after this snapshot was requested, and
    the times of change do not decide.
    """
    if row.changed_at is not None and is_later_change(row, snapshot):
        return False
    return snapshot.read_at <= row.updated_at


def defer_pull(stytch_member_id: str, *, after: timedelta = PULL_DELAY) -> None:
    """Fetch a member again later, by default in a second, when Stytch's times can decide."""
    jobs.defer_job("identity.pull_member", after=after, stytch_member_id=stytch_member_id)


def assign_changed_fields(row: Model, new_values: dict[str, object]) -> Changes:
    """Set the fields of a row that differ, without saving it.

    Returns `{field: (old value, new value)}`.
    """
    changes = {
        field: (getattr(row, field), value)
        for field, value in new_values.items()
        if getattr(row, field) != value
    }
    for field, (_, value) in changes.items():
        setattr(row, field, value)
    return changes
