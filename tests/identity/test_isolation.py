"""A change of one organization, member or invitation leaves every other row as it was.

Two rows that a query could confuse are in each test: one more organization, member, invitation or
pending change than the change is about.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from identity.directories.types import MemberDeleted, OrganizationDeleted, OrganizationSnapshot
from identity.errors import ChangeInProgress, LastAdmin
from identity.models import ChangeKind, Invitation, Member, PendingChange
from identity.roles import Role
from identity.services import invitations, members, pending_changes
from identity.sync import apply, attribution
from kit import actor as actors
from kit.actor import Actor
from kit.errors import NotFound
from tenancy.models import Organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_change():
    """Open a pending change of an organization by a member of its own."""

    def write(organization, kind, subject, **fields):
        with actors.act_as(Actor(kind="member", id=f"member-of-{organization.slug}")):
            return pending_changes.open_change(
                organization=organization, kind=kind, subject=subject, **fields
            )

    return write


# ── Applying snapshots ───────────────────────────────────────────────────────────────────────


def test_revoking_one_invitation_leaves_the_others_open(organization, build_snapshot):
    first = build_snapshot(organization, "first@acme.example", status="invited")
    second = build_snapshot(organization, "second@acme.example", status="invited")
    for one in (first, second):
        apply.apply_snapshot(one)

    apply.apply_snapshot(MemberDeleted(stytch_member_id=second.stytch_member_id))

    status = dict(Invitation.objects.in_organization(organization).values_list("email", "status"))
    assert status == {"first@acme.example": "pending", "second@acme.example": "revoked"}


def test_revoked_invitation_does_not_close_a_later_one(organization, build_snapshot):
    first = build_snapshot(organization, "first@acme.example", status="invited")
    second = build_snapshot(organization, "second@acme.example", status="invited")
    apply.apply_snapshot(first)
    apply.apply_snapshot(MemberDeleted(stytch_member_id=first.stytch_member_id))

    apply.apply_snapshot(second)  # read before the first one was revoked

    assert (
        Invitation.objects.in_organization(organization).get(email=second.email).status == "pending"
    )


def test_removing_a_member_leaves_invitations_open(organization, build_snapshot):
    here = build_snapshot(organization, "here@acme.example")
    apply.apply_snapshot(here)
    apply.apply_snapshot(build_snapshot(organization, "asked@acme.example", status="invited"))

    apply.apply_snapshot(MemberDeleted(stytch_member_id=here.stytch_member_id))

    assert Invitation.objects.in_organization(organization).get().status == "pending"


def test_removing_one_member_leaves_the_others_active(organization, build_snapshot):
    snapshots = [
        build_snapshot(organization, f"{name}@acme.example") for name in ("ada", "grace", "vic")
    ]
    for snapshot in snapshots:
        apply.apply_snapshot(snapshot)

    apply.apply_snapshot(MemberDeleted(stytch_member_id=snapshots[1].stytch_member_id))

    active = Member.objects.in_organization(organization).active().values_list("email", flat=True)
    assert set(active) == {"ada@acme.example", "vic@acme.example"}


def test_accepting_here_leaves_the_invitation_of_another_organization_open(
    organization, other_organization, build_snapshot
):
    apply.apply_snapshot(build_snapshot(other_organization, "ada@both.example", status="invited"))

    apply.apply_snapshot(build_snapshot(organization, "ada@both.example"))

    assert Invitation.objects.in_organization(other_organization).get().status == "pending"


def test_inviting_here_leaves_the_invitation_of_another_organization_as_it_is(
    organization, other_organization, build_snapshot
):
    there = build_snapshot(
        other_organization, "ada@both.example", status="invited", roles=("viewer",)
    )
    apply.apply_snapshot(there)

    apply.apply_snapshot(build_snapshot(organization, "ada@both.example", status="invited"))

    assert Invitation.objects.in_organization(organization).get().role == Role.MEMBER
    invitation = Invitation.objects.in_organization(other_organization).get()
    assert (invitation.role, invitation.stytch_member_id) == (Role.VIEWER, there.stytch_member_id)


def test_joining_here_leaves_a_removed_member_of_another_organization_removed(
    organization, other_organization, build_snapshot
):
    there = build_snapshot(other_organization, "ada@both.example")
    apply.apply_snapshot(there)
    apply.apply_snapshot(MemberDeleted(stytch_member_id=there.stytch_member_id))

    here = apply.apply_snapshot(build_snapshot(organization, "ada@both.example")).member

    assert here.organization_id == organization.pk
    assert Member.objects.in_organization(other_organization).get().status == "removed"


def test_invitation_names_no_inviter_of_another_organization(
    organization, other_organization, build_snapshot
):
    outsider = apply.apply_snapshot(
        build_snapshot(other_organization, "mallory@globex.example")
    ).member
    insider = apply.apply_snapshot(build_snapshot(organization, "grace@acme.example")).member

    for member in (outsider, insider):
        with actors.act_as(Actor(kind="member", id=str(member.pk))):
            invited = build_snapshot(organization, f"by-{member.email}", status="invited")
            # Without a pending change the invitation would be the directory's, not the caller's.
            pending_changes.open_change(
                organization=organization,
                kind=ChangeKind.INVITE,
                subject=attribution.subject_of_address(invited.email),
            )
            apply.apply_snapshot(invited)

    inviters = Invitation.objects.in_organization(organization).values_list("email", "invited_by")
    assert dict(inviters) == {f"by-{outsider.email}": None, f"by-{insider.email}": insider.pk}


def test_missing_admin_is_recorded_although_another_organization_has_one(
    organization, other_organization, build_snapshot, read_events
):
    apply.apply_snapshot(
        build_snapshot(other_organization, "admin@globex.example", roles=("stytch_admin",))
    )
    apply.apply_snapshot(build_snapshot(organization, "member@acme.example"))
    admin = build_snapshot(organization, "admin@acme.example", roles=("stytch_admin",))
    apply.apply_snapshot(admin)

    apply.apply_snapshot(MemberDeleted(stytch_member_id=admin.stytch_member_id))

    assert len(read_events(organization, "organization.admin_lost")) == 1


def test_members_of_another_organization_record_no_missing_admin_here(
    organization, other_organization, build_snapshot, read_events
):
    apply.apply_snapshot(build_snapshot(other_organization, "member@globex.example"))
    admin = build_snapshot(organization, "admin@acme.example", roles=("stytch_admin",))
    apply.apply_snapshot(admin)

    apply.apply_snapshot(MemberDeleted(stytch_member_id=admin.stytch_member_id))

    assert read_events(organization, "organization.admin_lost") == []


def test_person_known_elsewhere_is_the_same_here_although_others_are_members(
    organization, other_organization, build_snapshot, proofs
):
    email = "ada@both.example"
    there = apply.apply_snapshot(
        build_snapshot(other_organization, email), proof=proofs.email(email)
    ).member
    apply.apply_snapshot(build_snapshot(organization, "grace@acme.example"))

    here = apply.apply_snapshot(
        build_snapshot(organization, email), proof=proofs.email(email)
    ).member

    assert here.user_id == there.user_id


def test_deleting_one_organization_leaves_the_rows_of_another(
    organization, other_organization, build_snapshot, open_change
):
    apply.apply_snapshot(build_snapshot(other_organization, "ada@globex.example"))
    apply.apply_snapshot(build_snapshot(other_organization, "new@globex.example", status="invited"))
    change = open_change(other_organization, ChangeKind.INVITE, "address:x@globex.example")

    apply.apply_snapshot(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))

    change.refresh_from_db()
    member = Member.objects.in_organization(other_organization).get()
    invitation = Invitation.objects.in_organization(other_organization).get()
    assert (member.status, invitation.status, change.state) == ("active", "pending", "open")
    other_organization.refresh_from_db()
    assert other_organization.state == Organization.State.ACTIVE


def test_deleting_an_organization_keeps_the_time_its_members_were_removed_at(
    organization, build_snapshot
):
    former = build_snapshot(organization, "former@acme.example")
    apply.apply_snapshot(former)
    removed = apply.apply_snapshot(MemberDeleted(stytch_member_id=former.stytch_member_id)).member

    apply.apply_snapshot(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))

    assert Member.objects.get(pk=removed.pk).removed_at == removed.removed_at


# ── Pending changes ──────────────────────────────────────────────────────────────────────────────────


def test_rename_is_not_attributed_to_a_member_of_another_organization(
    organization, other_organization, open_change, read_events
):
    change = open_change(
        other_organization, ChangeKind.RENAME_ORGANIZATION, attribution.ORGANIZATION_SUBJECT
    )

    apply.apply_snapshot(
        OrganizationSnapshot(
            read_at=timezone.now(),
            stytch_org_id=organization.stytch_org_id,
            name="Acme Inc.",
            slug=organization.slug,
        )
    )

    (event,) = read_events(organization, "organization.updated")
    assert (event.actor_kind, event.actor_id) == ("vendor", "stytch")
    change.refresh_from_db()
    assert change.state == "open"


def test_invitation_is_not_attributed_to_a_member_of_another_organization(
    organization, other_organization, build_snapshot, open_change, read_events
):
    email = "ada@both.example"
    change = open_change(
        other_organization, ChangeKind.INVITE, attribution.subject_of_address(email)
    )

    apply.apply_snapshot(build_snapshot(organization, email, status="invited"))

    (event,) = read_events(organization, "invitation.created")
    assert (event.actor_kind, event.actor_id) == ("vendor", "stytch")
    change.refresh_from_db()
    assert change.state == "open"


def test_intent_of_another_organization_stops_no_change_here(
    organization, other_organization, open_change
):
    open_change(
        other_organization, ChangeKind.RENAME_ORGANIZATION, attribution.ORGANIZATION_SUBJECT
    )

    ours = open_change(
        organization, ChangeKind.RENAME_ORGANIZATION, attribution.ORGANIZATION_SUBJECT
    )

    assert ours.state == "open"
    with pytest.raises(ChangeInProgress):
        open_change(organization, ChangeKind.RENAME_ORGANIZATION, attribution.ORGANIZATION_SUBJECT)


def test_change_of_one_member_stops_no_change_of_another(organization, open_change):
    open_change(organization, ChangeKind.REMOVE, "member:one")

    assert open_change(organization, ChangeKind.REMOVE, "member:other").state == "open"


def test_closing_one_intent_leaves_the_others_open(organization, open_change):
    one = open_change(organization, ChangeKind.REMOVE, "member:one")
    other = open_change(organization, ChangeKind.REMOVE, "member:other")

    attribution.close_change(one, "done")

    states = dict(PendingChange.objects.in_organization(organization).values_list("pk", "state"))
    assert states == {one.pk: "done", other.pk: "open"}


# ── Services ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("change", [invitations.resend_invitation, invitations.revoke_invitation])
def test_invitation_of_another_organization_is_not_found(
    organization, other_organization, build_snapshot, change
):
    there = apply.apply_snapshot(
        build_snapshot(other_organization, "x@globex.example", status="invited")
    )

    with pytest.raises(NotFound):
        change(organization, invitation_id=there.invitation.pk)

    assert not PendingChange.objects.filter(
        organization__in=[organization, other_organization]
    ).exists()


@pytest.mark.parametrize(
    "change",
    [
        members.remove_member,
        members.leave_organization,
        members.reactivate_member,
        lambda organization, member_id: members.change_role(
            organization, member_id=member_id, role=Role.VIEWER
        ),
    ],
    ids=["remove", "leave", "reactivate", "change_role"],
)
def test_member_of_another_organization_is_not_found(
    organization, other_organization, build_snapshot, change
):
    there = apply.apply_snapshot(build_snapshot(other_organization, "x@globex.example")).member

    with pytest.raises(NotFound):
        change(organization, member_id=there.pk)

    assert not PendingChange.objects.filter(
        organization__in=[organization, other_organization]
    ).exists()


@pytest.mark.parametrize("status", ["active", "invited"])
def test_address_of_another_organization_can_be_invited(
    organization, other_organization, build_snapshot, status
):
    apply.apply_snapshot(build_snapshot(other_organization, "ada@both.example", status=status))

    change = invitations.prepare_invitation(
        organization, email="ada@both.example", role=Role.MEMBER
    )

    assert (change.state, change.organization_id) == ("open", organization.pk)


def test_overdue_invitation_of_another_organization_is_not_closed_by_inviting_here(
    organization, other_organization, build_snapshot
):
    apply.apply_snapshot(build_snapshot(other_organization, "ada@both.example", status="invited"))
    past = timezone.now() - timedelta(seconds=1)
    Invitation.objects.in_organization(other_organization).update(expires_at=past)

    invitations.prepare_invitation(organization, email="ada@both.example", role=Role.MEMBER)

    assert Invitation.objects.in_organization(other_organization).get().status == "pending"


def test_last_admin_is_kept_although_another_organization_has_one(
    organization, other_organization, build_snapshot
):
    for place in (organization, other_organization):
        apply.apply_snapshot(
            build_snapshot(place, f"ada@{place.slug}.example", roles=("stytch_admin",))
        )
    admin = Member.objects.in_organization(organization).get()

    with pytest.raises(LastAdmin):
        members.leave_organization(organization, member_id=admin.pk)


def test_mail_names_no_inviter_of_another_organization(
    organization, other_organization, build_snapshot
):
    outsider = apply.apply_snapshot(
        build_snapshot(other_organization, "mallory@globex.example")
    ).member
    insider = apply.apply_snapshot(build_snapshot(organization, "grace@acme.example")).member
    named = {}

    for member in (outsider, insider):
        with actors.act_as(Actor(kind="member", id=str(member.pk))):
            change = invitations.prepare_invitation(
                organization, email=f"by-{member.email}", role=Role.VIEWER
            )
        named[member] = invitations._find_inviter_id(change)

    assert named == {outsider: "", insider: insider.stytch_member_id}
