"""Apply answers of Stytch that were read before a change and arrive after it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from events.models import Event
from identity import directories, handlers, tasks
from identity.directories.types import MemberDeleted, OrganizationSnapshot
from identity.models import Invitation, Member, Status
from identity.roles import Role
from identity.services import pending_changes
from identity.sync import apply, attribution
from kit import actor
from kit.actor import Actor
from kit.ids import uuid7
from tenancy import routing
from webhooks.inbound.registry import ReceivedEvent

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def types(organization):
    with routing.activate(organization):
        events = Event.objects.order_by("occurred_at", "id")
        return [event.type for event in events][1:]  # without organization.created


def test_deletion_is_sticky_until_a_later_reading_shows_otherwise(organization, build_snapshot):
    before = build_snapshot(organization)
    member = apply.apply_snapshot(before).member
    apply.apply_snapshot(MemberDeleted(stytch_member_id=before.stytch_member_id))

    apply.apply_snapshot(before)
    member.refresh_from_db()
    assert member.status == Status.REMOVED

    later = build_snapshot(organization, stytch_member_id=before.stytch_member_id)
    assert apply.apply_snapshot(later).member.is_active
    assert types(organization) == ["member.added", "member.removed", "member.reactivated"]


def test_answer_older_than_what_we_know_is_left_aside(organization, build_snapshot):
    now = datetime.now(UTC)
    new = build_snapshot(organization, roles=("stytch_admin",), changed_at=now)
    apply.apply_snapshot(new)
    old = build_snapshot(
        organization,
        stytch_member_id=new.stytch_member_id,
        changed_at=now - timedelta(seconds=5),
    )

    assert apply.apply_snapshot(old).member.role == Role.ADMIN
    assert types(organization) == ["member.added"]


@pytest.fixture
def asked_again():
    """How often the queue was told to ask about one member."""

    def count(snapshot):
        arguments = {"stytch_member_id": snapshot.stytch_member_id}
        jobs = ProcrastinateJob.objects.filter(task_name="identity.pull_member")
        return jobs.filter(args__contains=arguments).count()

    return count


def test_answers_of_one_second_that_crossed_are_asked_for_again(
    organization, build_snapshot, asked_again
):
    second = datetime.now(UTC).replace(microsecond=0)
    new = build_snapshot(organization, roles=("stytch_admin",), changed_at=second)
    member = apply.apply_snapshot(new).member
    crossed = replace(new, roles=("stytch_member",))

    assert apply.apply_snapshot(crossed).member.role == Role.ADMIN
    assert asked_again(new) == 1
    later = replace(crossed, read_at=datetime.now(UTC))
    assert apply.apply_snapshot(later).member.role == Role.MEMBER
    assert apply.apply_snapshot(replace(new, read_at=member.updated_at)).member.role == Role.MEMBER


def test_what_we_asked_for_is_believed_however_answers_crossed(
    organization, build_snapshot, asked_again
):
    second = datetime.now(UTC).replace(microsecond=0)
    before = build_snapshot(organization, changed_at=second)
    member = apply.apply_snapshot(before).member
    with actor.act_as(Actor(kind="member", id=str(member.pk))):
        pending_changes.open_change(
            organization=organization,
            kind="change_role",
            subject=attribution.subject_of_stytch_member(before.stytch_member_id),
            role=Role.ADMIN,
        )

    apply.apply_snapshot(replace(before, roles=("stytch_admin",)))

    assert Member.objects.get(pk=member.pk).role == Role.ADMIN
    assert asked_again(before) == 0


def test_deletion_that_may_have_been_undone_since_is_asked_for_again(
    organization, build_snapshot, asked_again
):
    present = build_snapshot(organization)
    gone = MemberDeleted(
        stytch_member_id=present.stytch_member_id, read_at=present.read_at - timedelta(seconds=1)
    )
    assert apply.apply_snapshot(present).member.is_active

    assert apply.apply_snapshot(gone).member.is_active
    assert asked_again(present) == 1
    assert not apply.apply_snapshot(replace(gone, read_at=datetime.now(UTC))).member.is_active


def test_reactivation_read_between_a_deletion_and_its_storing_counts(organization, build_snapshot):
    present = build_snapshot(organization)
    member = apply.apply_snapshot(present).member
    Member.objects.filter(pk=member.pk).update(updated_at=present.read_at - 3 * SECOND)
    gone = MemberDeleted(
        stytch_member_id=present.stytch_member_id, read_at=present.read_at - SECOND
    )
    apply.apply_snapshot(gone)
    member.refresh_from_db()
    assert member.status == Status.REMOVED

    assert apply.apply_snapshot(present).member.is_active


def test_change_back_is_not_undone_by_the_change_between(organization, build_snapshot):
    now = datetime.now(UTC)
    first = build_snapshot(organization, name="Ada", changed_at=now - 9 * SECOND)
    apply.apply_snapshot(first)
    apply.apply_snapshot(replace(first, changed_at=now - 3 * SECOND))

    between = replace(first, name="Eve", changed_at=now - 6 * SECOND, read_at=datetime.now(UTC))

    assert apply.apply_snapshot(between).member.name == "Ada"


# ── Every order of a history ─────────────────────────────────────────────────────────────────


class Replayed:
    """A directory that answers each event with what was true then, and later with what is now."""

    def __init__(self, now):
        self.now = now
        self.then = []

    def fetch_member(self, *, stytch_member_id):
        if self.then:
            return self.then.pop(0)
        return replace(self.now[stytch_member_id], read_at=datetime.now(UTC))


HISTORIES = [
    [order[0], *order] for order in permutations(["created", "updated", "deleted", "recreated"])
]  # the first event is delivered twice


def run_deferred_pulls():
    """Run the pulls that were deferred, and those that they defer."""
    jobs = ProcrastinateJob.objects.filter(task_name="identity.pull_member")
    done = set()
    while waiting := jobs.exclude(pk__in=done).order_by("pk").first():
        done.add(waiting.pk)
        tasks.pull_member(waiting.args["stytch_member_id"])
        assert len(done) < 20


@pytest.fixture
def answers(organization, build_snapshot):
    """The answers of one history: created, made admin, deleted, created again as another member."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    times = [{"changed_at": start + at * SECOND, "read_at": start + at * SECOND} for at in range(4)]
    created = build_snapshot(organization, **times[0])
    updated = replace(created, roles=("stytch_admin",), **times[1])
    deleted = MemberDeleted(stytch_member_id=created.stytch_member_id, read_at=times[2]["read_at"])
    recreated = build_snapshot(organization, **times[3])
    return {"created": created, "updated": updated, "deleted": deleted, "recreated": recreated}


@pytest.fixture
def record_event():
    """Return a function that handles an event about a member."""

    def handle(stytch_member_id):
        handlers.pull_member(
            ReceivedEvent(
                id=uuid7(),
                source="stytch",
                type="direct.member.update",
                object_key=stytch_member_id,
                payload={},
                occurred_at=datetime.now(UTC),
            )
        )

    return handle


@pytest.mark.parametrize("history", HISTORIES, ids=lambda steps: "-".join(steps[1:]))
def test_every_order_of_a_history_converges(
    organization, answers, history, monkeypatch, record_event
):
    directory = Replayed({one.stytch_member_id: one for one in answers.values()})
    directory.now[answers["deleted"].stytch_member_id] = answers["deleted"]
    monkeypatch.setattr(directories, "get_directory", lambda: directory)

    for step in history:
        directory.then = [answers[step]]
        record_event(answers[step].stytch_member_id)
    run_deferred_pulls()

    (member,) = Member.objects.in_organization(organization).exclude(status=Status.REMOVED)
    assert member.stytch_member_id == answers["recreated"].stytch_member_id
    assert (member.role, member.is_active) == (Role.MEMBER, True)
    assert types(organization).count("member.added") == 1


def test_answer_from_before_a_deletion_already_handled_is_corrected(
    organization, answers, monkeypatch, record_event
):
    gone = answers["deleted"]
    monkeypatch.setattr(
        directories, "get_directory", lambda: Replayed({gone.stytch_member_id: gone})
    )
    record_event(gone.stytch_member_id)
    apply.apply_snapshot(answers["created"])

    run_deferred_pulls()

    member = Member.objects.in_organization(organization).get()
    assert member.status == Status.REMOVED


# ── Organizations ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def build_organization(organization):
    """Return a function that builds a snapshot of the organization with another name."""

    def build(name, **fields):
        return OrganizationSnapshot(
            stytch_org_id=organization.stytch_org_id,
            name=name,
            slug=organization.slug,
            **{"read_at": datetime.now(UTC)} | fields,
        )

    return build


@pytest.fixture
def count_organization_pulls(organization):
    """Return a function that counts the deferred pulls of the organization."""
    jobs = ProcrastinateJob.objects.filter(
        task_name="identity.pull_organization", args__organization_id=str(organization.pk)
    )
    return jobs.count


def test_older_answer_does_not_undo_a_rename(organization, build_organization):
    now = datetime.now(UTC)
    apply.apply_snapshot(build_organization("New", changed_at=now))

    apply.apply_snapshot(build_organization("Old", changed_at=now - SECOND))

    organization.refresh_from_db()
    assert organization.name == "New"
    assert types(organization) == ["organization.updated"]


def test_rename_back_is_not_undone_by_the_name_between(organization, build_organization):
    now = datetime.now(UTC)
    apply.apply_snapshot(build_organization("Acme", changed_at=now))

    apply.apply_snapshot(build_organization("Between", changed_at=now - SECOND))

    organization.refresh_from_db()
    assert organization.name == "Acme"


def test_names_of_one_second_that_crossed_are_fetched_again(
    organization, build_organization, count_organization_pulls
):
    second = datetime.now(UTC).replace(microsecond=0)
    crossed = build_organization("Crossed", changed_at=second)
    apply.apply_snapshot(build_organization("New", changed_at=second))

    apply.apply_snapshot(crossed)

    organization.refresh_from_db()
    assert organization.name == "New"
    assert count_organization_pulls() == 1
    apply.apply_snapshot(replace(crossed, read_at=datetime.now(UTC)))
    organization.refresh_from_db()
    assert organization.name == "Crossed"


def test_answer_without_a_time_of_change_counts_by_when_it_was_read(
    organization, build_organization, count_organization_pulls
):
    early = build_organization("Early", read_at=datetime.now(UTC) - SECOND)
    apply.apply_snapshot(build_organization("New"))

    apply.apply_snapshot(early)

    organization.refresh_from_db()
    assert organization.name == "New"
    assert count_organization_pulls() == 1


def test_requested_name_is_stored_however_answers_crossed(organization, build_organization):
    second = datetime.now(UTC).replace(microsecond=0)
    wanted = build_organization("Wanted", changed_at=second)
    apply.apply_snapshot(build_organization("Other", changed_at=second))
    with actor.act_as(Actor(kind="member", id=str(organization.pk))):
        pending_changes.open_change(
            organization=organization,
            kind="rename_organization",
            subject=attribution.ORGANIZATION_SUBJECT,
            details={"name": "Wanted"},
        )

    apply.apply_snapshot(wanted)

    organization.refresh_from_db()
    assert organization.name == "Wanted"


def test_other_rename_is_not_recorded_for_the_member_who_wants_one(
    organization, build_organization
):
    with actor.act_as(Actor(kind="member", id=str(organization.pk))):
        change = pending_changes.open_change(
            organization=organization,
            kind="rename_organization",
            subject=attribution.ORGANIZATION_SUBJECT,
            details={"name": "Wanted"},
        )

    apply.apply_snapshot(build_organization("Dashboard"))

    with routing.activate(organization):
        event = Event.objects.get(type="organization.updated")
    assert event.actor_kind == "vendor"
    change.refresh_from_db()
    assert change.state == "open"


# ── Invitations ──────────────────────────────────────────────────────────────────────────────


def test_older_answer_does_not_undo_an_invitations_role(organization, build_snapshot, asked_again):
    now = datetime.now(UTC)
    new = build_snapshot(organization, status="invited", roles=("viewer",), changed_at=now)
    apply.apply_snapshot(new)

    apply.apply_snapshot(replace(new, roles=("stytch_admin",), changed_at=now - SECOND))

    assert Invitation.objects.in_organization(organization).get().role == Role.VIEWER
    assert asked_again(new) == 0


def test_invitations_of_one_second_that_crossed_are_fetched_again(
    organization, build_snapshot, asked_again
):
    second = datetime.now(UTC).replace(microsecond=0)
    new = build_snapshot(organization, status="invited", roles=("viewer",), changed_at=second)
    apply.apply_snapshot(new)

    apply.apply_snapshot(replace(new, roles=("stytch_admin",)))

    assert Invitation.objects.in_organization(organization).get().role == Role.VIEWER
    assert asked_again(new) == 1


def test_deletion_read_before_an_invitation_was_stored_is_fetched_again(
    organization, build_snapshot, asked_again
):
    invited = build_snapshot(organization, status="invited")
    gone = MemberDeleted(
        stytch_member_id=invited.stytch_member_id, read_at=invited.read_at - SECOND
    )
    apply.apply_snapshot(invited)

    apply.apply_snapshot(gone)

    assert Invitation.objects.in_organization(organization).open().exists()
    assert asked_again(invited) == 1
    apply.apply_snapshot(replace(gone, read_at=datetime.now(UTC)))
    assert not Invitation.objects.in_organization(organization).open().exists()


def test_former_invitation_of_an_address_does_not_replace_the_new_one(
    organization, build_snapshot, asked_again
):
    former = build_snapshot(organization, status="invited", roles=("stytch_admin",))
    new = build_snapshot(organization, status="invited", roles=("viewer",))
    apply.apply_snapshot(new)

    apply.apply_snapshot(former)

    invitation = Invitation.objects.in_organization(organization).get()
    assert (invitation.stytch_member_id, invitation.role) == (new.stytch_member_id, Role.VIEWER)
    assert asked_again(former) == 1


def test_invitation_of_a_present_members_address_waits_for_both_answers(
    organization, build_snapshot, asked_again
):
    present = build_snapshot(organization)
    apply.apply_snapshot(present)
    invited = build_snapshot(organization, status="invited")

    apply.apply_snapshot(invited)

    assert not Invitation.objects.in_organization(organization).exists()
    assert (asked_again(present), asked_again(invited)) == (1, 1)


def test_invitation_with_the_address_of_another_waits_for_both_answers(
    organization, build_snapshot, asked_again
):
    kept, gone = (
        build_snapshot(organization, email, status="invited")
        for email in ("ada@acme.example", "bob@acme.example")
    )
    for snapshot in (kept, gone):
        apply.apply_snapshot(snapshot)
    readdressed = replace(kept, email=gone.email, read_at=datetime.now(UTC))

    apply.apply_snapshot(readdressed)

    open_ = Invitation.objects.in_organization(organization).open()
    assert set(open_.values_list("stytch_member_id", "email")) == {
        (one.stytch_member_id, one.email) for one in (kept, gone)
    }
    assert (asked_again(kept), asked_again(gone)) == (1, 1)
    apply.apply_snapshot(
        MemberDeleted(stytch_member_id=gone.stytch_member_id, read_at=datetime.now(UTC))
    )
    apply.apply_snapshot(replace(readdressed, read_at=datetime.now(UTC)))
    assert (open_.get().stytch_member_id, open_.get().email) == (kept.stytch_member_id, gone.email)
