"""Name the fields in which a stored row differs from a snapshot, without changing either."""

from identity.directories.types import MemberDeleted, MemberSnapshot
from identity.models import Invitation, Member, Status
from identity.roles import from_stytch


def list_differing_fields(
    row: Invitation | Member, snapshot: MemberSnapshot | MemberDeleted
) -> list[str]:
    """Return the names of the fields that differ, "status" for a member that is deleted.

    A suspension is ours alone, so it is no difference.
    """
    if isinstance(snapshot, MemberDeleted):
        return ["status"]
    received: dict[str, str] = {
        "email": snapshot.email,
        "name": snapshot.name,
        "role": from_stytch(snapshot.roles),
    }
    differing = [name for name, value in received.items() if getattr(row, name) != value]
    return differing if _has_status(row, snapshot) else [*differing, "status"]


def _has_status(row: Invitation | Member, snapshot: MemberSnapshot) -> bool:
    if isinstance(row, Invitation):
        return snapshot.status == "invited"
    return row.status in {Status.SUSPENDED, snapshot.status}
