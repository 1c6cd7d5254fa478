"""Fetch from Stytch what an event or a command names, and reconcile whole organizations."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from identity import directories
from identity.directories.types import (
    MemberDeleted,
    MemberSnapshot,
    OrganizationDeleted,
    OrganizationSnapshot,
    Proof,
    Snapshot,
)
from identity.models import Invitation, Member, Status
from identity.sync import apply, organizations
from identity.sync.apply import Applied
from identity.sync.differences import list_differing_fields
from kit.outbound import VendorNotFound
from tenancy.models import Organization
from tenancy.services import schema_pool

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class ReconciliationReport:
    """What a reconciliation found, by organization."""

    organization_id: str
    members: int = 0
    differences: list[str] = field(default_factory=list)


def pull_organization(stytch_org_id: str) -> Applied:
    """Fetch one organization and write it down. Raises VendorUnavailable and SchemaNotReady."""
    return apply.apply_snapshot(_fetch_organization(stytch_org_id))


def pull_member(stytch_member_id: str, *, proof: Proof | None = None) -> Applied:
    """Fetch one member, with its organization if we have not met that, and write it down."""
    found = directories.get_directory().fetch_member(stytch_member_id=stytch_member_id)
    return apply_fetched(found, proof=proof)


def apply_fetched(found: Snapshot, *, proof: Proof | None = None) -> Applied:
    """Apply what was fetched, after the organization of a member where that is unknown."""
    if isinstance(found, MemberSnapshot) and not apply.is_known(found.stytch_org_id):
        pull_organization(found.stytch_org_id)
    return apply.apply_snapshot(found, proof=proof)


def reconcile_organization(
    organization_: Organization, *, dry_run: bool = False
) -> ReconciliationReport:
    """Compare one organization with Stytch, member by member, and repair unless `dry_run`.

    Twice in a row finds nothing the second time.
    """
    report = ReconciliationReport(organization_id=str(organization_.pk))
    for snapshot in _list_snapshots(organization_):
        report.members += isinstance(snapshot, MemberSnapshot)
        difference = _find_difference(organization_, snapshot)
        if difference is None:
            continue
        report.differences.append(difference)
        if not dry_run:
            apply.apply_snapshot(snapshot)
    log.info(
        "directory_pulled",
        organization_id=report.organization_id,
        members=report.members,
        differences=len(report.differences),
        dry_run=dry_run,
    )
    return report


def list_unknown_organizations() -> Iterator[OrganizationSnapshot]:
    """Yield the organizations that Stytch has and we do not."""
    for snapshot in directories.get_directory().list_organizations():
        if not apply.is_known(snapshot.stytch_org_id):
            yield snapshot


def adopt_organization(snapshot: OrganizationSnapshot) -> Organization | None:
    """Take in an organization we had not met."""
    schema_pool.wait_for_spare()
    return apply.apply_snapshot(snapshot).organization


def reconcile_by_id(organization_id: UUID) -> None:
    """Reconcile one organization, if it is still there."""
    known = Organization.objects.live().filter(pk=organization_id).first()
    if known is not None and known.stytch_org_id:
        reconcile_organization(known)


def _fetch_organization(stytch_org_id: str) -> OrganizationSnapshot | OrganizationDeleted:
    try:
        found = directories.get_directory().fetch_organization(stytch_org_id=stytch_org_id)
    except VendorNotFound:
        return OrganizationDeleted(stytch_org_id=stytch_org_id)
    if not apply.is_known(stytch_org_id):
        schema_pool.wait_for_spare()
    return found


def _list_snapshots(known: Organization) -> Iterator[Snapshot]:
    """Yield the organization, the listed members, then each of ours that was not listed."""
    stytch_org_id = known.stytch_org_id or ""
    found = _fetch_organization(stytch_org_id)
    yield found
    if isinstance(found, OrganizationDeleted):
        return
    listed: set[str] = set()
    for snapshot in directories.get_directory().list_members(stytch_org_id=stytch_org_id):
        listed.add(snapshot.stytch_member_id)
        yield snapshot
    for missing in _list_present_ids(known) - listed:
        # Never conclude from a list alone, as members who arrived while it was read are missing.
        yield directories.get_directory().fetch_member(stytch_member_id=missing)


def _list_present_ids(known: Organization) -> set[str]:
    members = Member.objects.in_organization(known).exclude(status=Status.REMOVED)
    invitations = Invitation.objects.in_organization(known).open()
    ids = [
        *members.values_list("stytch_member_id", flat=True),
        *invitations.values_list("stytch_member_id", flat=True),
    ]
    return {id_ for id_ in ids if id_}


def _find_difference(known: Organization, snapshot: Snapshot) -> str | None:
    match snapshot:
        case OrganizationDeleted():
            return "organization: deleted at Stytch"
        case OrganizationSnapshot():
            same = organizations.matches_snapshot(known, snapshot)
            return None if same else "organization: renamed at Stytch"
        case MemberDeleted():
            return f"{snapshot.stytch_member_id}: gone at Stytch"
        case MemberSnapshot():
            return _find_member_difference(snapshot)


def _find_member_difference(snapshot: MemberSnapshot) -> str | None:
    theirs = {"stytch_member_id": snapshot.stytch_member_id}
    rows = Invitation.objects.open() if snapshot.status == "invited" else Member.objects.all()
    row = rows.filter(**theirs).first()
    if row is None:
        return f"{snapshot.stytch_member_id}: unknown here, {snapshot.status} at Stytch"
    differing = list_differing_fields(row, snapshot)
    return f"{snapshot.stytch_member_id}: {', '.join(differing)}" if differing else None
