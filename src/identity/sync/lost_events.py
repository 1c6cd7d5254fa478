"""Find what a lost webhook would have reported, within minutes and a few calls.

An acceptance in a front end that uses Stytch's SDK reaches us by one webhook only. So the members of
open invitations, and members who changed a short time ago, are compared with Stytch in batches. The
nightly pull compares all others.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import batched

import structlog
from django.db.models import F
from django.utils import timezone

from identity import directories
from identity.models import Invitation, Member, Status
from identity.sync import apply, fetch
from identity.sync.differences import list_differing_fields
from kit.errors import TooManyRequests
from kit.outbound import VendorNotFound, VendorUnavailable

log = structlog.get_logger(__name__)

# Stytch allows 100 searches a minute: https://stytch.com/docs/b2b/api/search-members
MEMBERS_PER_CALL = 200
INVITATIONS_PER_RUN = 1600
MEMBERS_PER_RUN = 400
RECENT = timedelta(minutes=15)


def compare_recent_rows() -> int:
    """Compare open invitations and recently changed members with Stytch, and apply what differs.

    Invitations take turns: those compared longest ago come first. Returns how many rows differed.
    While Stytch does not answer, the rest waits for the next run.
    """
    invitations = Invitation.objects.pending().select_related("organization")
    turn = list(invitations.order_by(F("compared_at").asc(nulls_first=True))[:INVITATIONS_PER_RUN])
    rows: list[Invitation | Member] = [*turn, *_list_recent_members()]
    differences = 0
    try:
        for batch in batched(rows, MEMBERS_PER_CALL):
            differences += _compare_batch(batch)
    except (VendorUnavailable, TooManyRequests):
        log.warning("lost_events_not_compared")
    if differences:
        log.info("lost_events_found", differences=differences)
    return differences


def _list_recent_members() -> Iterator[Member]:
    members = Member.objects.filter(updated_at__gt=timezone.now() - RECENT)
    present = members.exclude(status=Status.REMOVED).exclude(stytch_member_id=None)
    yield from present.select_related("organization").order_by("-updated_at")[:MEMBERS_PER_RUN]


def _compare_batch(rows: tuple[Invitation | Member, ...]) -> int:
    stytch_org_ids = {row.organization.stytch_org_id for row in rows} - {None}
    try:
        snapshots = directories.get_directory().find_members(
            stytch_org_ids=sorted(id_ for id_ in stytch_org_ids if id_),
            stytch_member_ids=[row.stytch_member_id or "" for row in rows],
        )
    except VendorNotFound:
        return _compare_in_halves(rows)
    rows_by_id = {row.stytch_member_id: row for row in rows}
    differing = [
        snapshot
        for snapshot in snapshots
        if list_differing_fields(rows_by_id[snapshot.stytch_member_id], snapshot)
    ]
    for snapshot in differing:
        apply.apply_snapshot(snapshot)
    compared = [row.pk for row in rows if isinstance(row, Invitation)]
    Invitation.objects.filter(pk__in=compared).update(compared_at=timezone.now())
    return len(differing)


def _compare_in_halves(rows: tuple[Invitation | Member, ...]) -> int:
    """Compare a batch with an organization that Stytch does not have, without that organization.

    The organization is fetched alone, which stores its deletion.
    """
    stytch_org_ids = {row.organization.stytch_org_id or "" for row in rows}
    if len(stytch_org_ids) == 1:
        fetch.pull_organization(stytch_org_ids.pop())
        return 1
    middle = len(rows) // 2
    return _compare_batch(rows[:middle]) + _compare_batch(rows[middle:])
