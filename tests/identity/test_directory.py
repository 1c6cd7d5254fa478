"""The one function all roads end in: any order, any repetition, one event per transition."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from events.models import Event
from identity import directories, signals
from identity.directories.types import MemberDeleted, OrganizationDeleted, OrganizationSnapshot
from identity.models import Invitation, Member, Status
from identity.roles import Role
from identity.sync import apply
from identity.tasks import pull_directory
from kit import actor
from kit.actor import Actor
from tenancy import routing
from tenancy.models import Organization
from tenancy.services import organizations

pytestmark = pytest.mark.django_db


def events(organization, *types):
    with routing.activate(organization):
        found = Event.objects.order_by("occurred_at", "id")
        return list(found.filter(type__in=types) if types else found)


def types(organization):
    return [event.type for event in events(organization)][1:]  # without organization.created


@pytest.fixture
def heard():
    """The signals sent during the test, in order."""
    names = []
    receivers = {
        name: lambda name=name, **_: names.append(name)
        for name in (
            "member_added", "member_removed", "member_reactivated", "member_role_changed",
            "invitation_created", "invitation_closed",
        )
    }  # fmt: skip
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield names
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def test_member_arrives_once_however_often_we_are_told(organization, build_snapshot, heard):
    snapshot = build_snapshot(organization)

    for _ in range(3):
        apply.apply_snapshot(snapshot)

    assert types(organization) == ["member.added"]
    assert heard == ["member_added"]


def test_invitation_becomes_a_member_by_acceptance(organization, build_snapshot, heard):
    invited = build_snapshot(organization, status="invited", roles=("viewer",))
    apply.apply_snapshot(invited)
    assert not Member.objects.in_organization(organization).exists()

    accepted = build_snapshot(
        organization, stytch_member_id=invited.stytch_member_id, roles=("viewer",)
    )
    member = apply.apply_snapshot(accepted).member

    invitation = Invitation.objects.in_organization(organization).get()
    assert (invitation.status, invitation.role) == ("accepted", Role.VIEWER)
    assert member.role == Role.VIEWER
    assert types(organization) == ["invitation.created", "invitation.accepted", "member.added"]
    assert heard == ["invitation_created", "invitation_closed", "member_added"]


def test_accepting_is_the_persons_own_act_by_any_road(organization, build_snapshot):
    invited = build_snapshot(organization, status="invited")
    apply.apply_snapshot(invited)

    with actor.act_as(Actor(kind="vendor", id="stytch")):
        told_later = build_snapshot(organization, stytch_member_id=invited.stytch_member_id)
        member = apply.apply_snapshot(told_later).member

    accepted = events(organization, "invitation.accepted", "member.added")
    assert {(event.actor_kind, event.actor_id) for event in accepted} == {
        ("member", str(member.pk))
    }


def test_invited_answer_from_before_the_acceptance_changes_nothing(organization, build_snapshot):
    invited = build_snapshot(organization, status="invited")
    apply.apply_snapshot(invited)
    apply.apply_snapshot(build_snapshot(organization, stytch_member_id=invited.stytch_member_id))

    apply.apply_snapshot(invited)

    assert Invitation.objects.in_organization(organization).count() == 1
    assert Member.objects.in_organization(organization).get().is_active


def test_revoked_invitation_stays_revoked_for_an_older_answer(organization, build_snapshot):
    invited = build_snapshot(organization, status="invited")
    apply.apply_snapshot(invited)
    apply.apply_snapshot(MemberDeleted(stytch_member_id=invited.stytch_member_id))

    apply.apply_snapshot(invited)

    assert [one.status for one in Invitation.objects.in_organization(organization)] == ["revoked"]


def test_pending_member_counts_when_active(organization, build_snapshot, heard):
    pending = build_snapshot(organization, status="pending")
    apply.apply_snapshot(pending)
    assert heard == []

    apply.apply_snapshot(build_snapshot(organization, stytch_member_id=pending.stytch_member_id))

    assert heard == ["member_added"]
    assert types(organization) == ["member.added"]


def test_role_change_tells_before_and_after(organization, build_snapshot, heard):
    member = build_snapshot(organization)
    apply.apply_snapshot(member)

    promoted = build_snapshot(
        organization, stytch_member_id=member.stytch_member_id, roles=("stytch_admin",)
    )
    apply.apply_snapshot(promoted)

    (event,) = events(organization, "member.role_changed")
    assert event.changes == {"role": ["member", "admin"]}
    assert heard == ["member_added", "member_role_changed"]


def test_new_name_and_address_are_told_without_touching_seats(organization, build_snapshot, heard):
    member = build_snapshot(organization)
    apply.apply_snapshot(member)

    renamed = build_snapshot(
        organization, "ada@new.example", stytch_member_id=member.stytch_member_id, name="Ada L."
    )
    apply.apply_snapshot(renamed)

    (event,) = events(organization, "member.updated")
    assert event.changes["email"] == ["ada@acme.example", "ada@new.example"]
    assert heard == ["member_added"]


def test_recreated_address_takes_over_the_members_row(organization, build_snapshot):
    first = apply.apply_snapshot(build_snapshot(organization)).member
    apply.apply_snapshot(MemberDeleted(stytch_member_id=first.stytch_member_id))

    again = apply.apply_snapshot(build_snapshot(organization)).member

    assert again.pk == first.pk
    assert again.stytch_member_id != first.stytch_member_id
    assert types(organization) == ["member.added", "member.removed", "member.reactivated"]


def test_late_deletion_of_the_former_id_removes_no_member(organization, build_snapshot):
    first = apply.apply_snapshot(build_snapshot(organization)).member
    former = first.stytch_member_id
    apply.apply_snapshot(MemberDeleted(stytch_member_id=former))
    apply.apply_snapshot(build_snapshot(organization))

    apply.apply_snapshot(MemberDeleted(stytch_member_id=former))

    assert Member.objects.in_organization(organization).get().is_active


def test_suspended_member_stays_suspended_after_stytch_updates(organization, build_snapshot):
    snapshot = build_snapshot(organization)
    member = apply.apply_snapshot(snapshot).member
    Member.objects.filter(pk=member.pk).update(status=Status.SUSPENDED)

    apply.apply_snapshot(
        build_snapshot(organization, stytch_member_id=snapshot.stytch_member_id, name="New")
    )

    member.refresh_from_db()
    assert (member.status, member.name) == (Status.SUSPENDED, "New")


def test_losing_the_last_admin_raises_the_alarm(organization, build_snapshot):
    admin = build_snapshot(organization, roles=("stytch_admin",))
    apply.apply_snapshot(admin)
    apply.apply_snapshot(build_snapshot(organization, "bob@acme.example"))

    apply.apply_snapshot(MemberDeleted(stytch_member_id=admin.stytch_member_id))

    assert len(events(organization, "organization.admin_lost")) == 1


def test_member_of_an_unknown_organization_is_not_dropped(organization, build_snapshot):
    foreign = build_snapshot(organization, stytch_org_id="organization-test-unheard-of")

    with pytest.raises(apply.UnknownOrganization):
        apply.apply_snapshot(foreign)


def test_organization_follows_its_name_once(organization):
    renamed = OrganizationSnapshot(
        read_at=timezone.now(),
        stytch_org_id=organization.stytch_org_id,
        name="Acme Inc.",
        slug=organization.slug,
    )

    apply.apply_snapshot(renamed)
    apply.apply_snapshot(renamed)

    organization.refresh_from_db()
    assert organization.name == "Acme Inc."
    assert types(organization) == ["organization.updated"]


def test_slug_another_organization_gave_up_is_free(organization):
    slug = organization.slug
    taker = OrganizationSnapshot(
        read_at=timezone.now(), stytch_org_id="organization-test-taker", name="Taker", slug=slug
    )

    made = apply.apply_snapshot(taker).organization

    organization.refresh_from_db()
    assert made.slug == slug
    assert organization.slug.startswith(f"{slug}~")


def test_deleted_organization_removes_all_members_and_stays_deleted(organization, build_snapshot):
    snapshot = build_snapshot(organization)
    apply.apply_snapshot(snapshot)
    apply.apply_snapshot(build_snapshot(organization, "new@acme.example", status="invited"))
    apply.apply_snapshot(OrganizationDeleted(stytch_org_id=organization.stytch_org_id))

    apply.apply_snapshot(build_snapshot(organization, stytch_member_id=snapshot.stytch_member_id))

    assert Organization.objects.get(pk=organization.pk).is_deleted
    assert not Member.objects.in_organization(organization).active().exists()
    assert not Invitation.objects.in_organization(organization).open().exists()


def test_overdue_invitation_closes_as_expired(organization, build_snapshot):
    invited = build_snapshot(organization, status="invited")
    apply.apply_snapshot(invited)
    Invitation.objects.in_organization(organization).update(expires_at=timezone.now())

    apply.apply_snapshot(MemberDeleted(stytch_member_id=invited.stytch_member_id))

    assert types(organization) == ["invitation.created", "invitation.expired"]


def test_repetition_costs_one_query_and_no_lock(organization, build_snapshot):
    snapshot = build_snapshot(organization)
    apply.apply_snapshot(snapshot)

    with CaptureQueriesContext(connection) as said:
        apply.apply_snapshot(snapshot)

    (query,) = [one["sql"] for one in said if one["sql"].startswith("SELECT")]
    assert "FOR NO KEY UPDATE" not in query


def test_nightly_comparison_stays_below_the_searches_the_directory_allows(db):
    for number in range(3):
        organizations.create_organization(
            stytch_org_id=f"organization-test-{number}", name="Acme", slug=f"spread-{number}"
        )
    pull_directory()

    jobs = ProcrastinateJob.objects.filter(task_name="identity.reconcile_organization")
    times = sorted(job.scheduled_at for job in jobs if job.scheduled_at)  # the first runs now
    limit = directories.get_directory().capabilities.searches_per_minute
    assert len(times) >= 2
    smallest = min(later - earlier for earlier, later in pairwise(times))
    assert smallest >= timedelta(minutes=1) / limit * settings.JOB_DELAY_SCALE
