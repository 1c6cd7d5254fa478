"""Suspending a member ends its sessions and frees its seat; only an admin here restores it."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from identity.directories.types import MemberDeleted
from identity.errors import ChangeInProgress, LastAdmin, MemberNotActive
from identity.models import ChangeKind, Member
from identity.roles import Role
from identity.services import invitations, members, pending_changes, suspensions
from identity.sync import apply, attribution, users
from kit import actor as actors
from kit.actor import Actor
from kit.errors import NotFound
from tenancy.models import Organization
from tests.harness.locking import organization_locked, waiting_for


@pytest.fixture
def change(api):
    """Return a function that suspends or restores one of the organization's people."""

    def ask(organization, verb, person="member", *, by="admin"):
        member = getattr(organization, person).member["id"]
        path = f"{organization.path}/members/{member}/{verb}"
        return api.post(path, token=organization.token(by))

    return ask


def sign_in(api, front_end, organization, name="grace"):
    """Return the answer to a sign-in by mailed link."""
    found = front_end.discover(organization.address(name))
    body = {
        "intermediate_session_token": found["intermediate_session_token"],
        "organization_id": organization.id,
    }
    return api.post("/v1/auth/sessions", json=body)


def test_suspended_member_is_refused_with_every_session(
    api, front_end, new_organization, change, history
):
    before = sign_in(api, front_end, new_organization).json()

    answer = change(new_organization, "suspend")

    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    assert answer.json()["suspended_at"]
    for token in (new_organization.member.token, before["session_jwt"]):
        refused = api.get("/v1/me", token=token)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_session")
    (event,) = history(new_organization, "member.suspended")
    assert event["changes"] == {"status": ["active", "suspended"]}
    assert event["actor"]["id"] == new_organization.admin.member["id"]
    assert event["target"]["id"] == new_organization.member.member["id"]


def test_sessions_of_a_suspended_member_end_at_stytch(
    api, front_end, new_organization, change, wait_until_settled
):
    session = sign_in(api, front_end, new_organization).json()

    change(new_organization, "suspend")

    wait_until_settled()
    refresh = {"session_token": session["session_token"]}
    # A session that Stytch still has would answer 403 here.
    assert api.post("/v1/auth/sessions/refresh", json=refresh).status_code == 401


def test_sign_in_and_refresh_tell_that_the_member_is_suspended(
    sandbox, api, front_end, new_organization, change, wait_until_settled
):
    session = sign_in(api, front_end, new_organization).json()
    wait_until_settled()
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/sessions/revoke", status=500, times=9)
    change(new_organization, "suspend")

    refresh = {"session_token": session["session_token"]}
    answers = [
        sign_in(api, front_end, new_organization),
        api.post("/v1/auth/sessions/refresh", json=refresh),
    ]

    found = [(one.status_code, one.json()["code"]) for one in answers]
    assert found == [(403, "member_suspended")] * 2


def test_session_of_a_refused_sign_in_is_revoked_at_stytch(
    api, front_end, new_organization, change, wait_until_settled, count_stytch_calls
):
    change(new_organization, "suspend")
    asked = count_stytch_calls()

    assert sign_in(api, front_end, new_organization).status_code == 403

    wait_until_settled()
    assert asked().count("/v1/b2b/sessions/revoke") == 1


def test_restored_member_signs_in_again_and_old_sessions_stay_refused(
    api, front_end, new_organization, change, history
):
    change(new_organization, "suspend")

    answer = change(new_organization, "restore")

    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert answer.json()["suspended_at"] is None
    assert api.get("/v1/me", token=new_organization.member.token).status_code == 401
    session = sign_in(api, front_end, new_organization)
    assert session.status_code == 201
    assert api.get("/v1/me", token=session.json()["session_jwt"]).status_code == 200
    (event,) = history(new_organization, "member.restored")
    assert event["changes"] == {"status": ["suspended", "active"]}


def test_suspended_members_are_listed_by_status(api, new_organization, change):
    change(new_organization, "suspend", "viewer")

    listed = api.get(
        f"{new_organization.path}/members?status=suspended", token=new_organization.admin.token
    )

    assert [one["id"] for one in listed.json()["results"]] == [new_organization.viewer.member["id"]]


def test_no_one_suspends_themselves(api, new_organization, change):
    api.patch(
        f"{new_organization.path}/members/{new_organization.member.member['id']}",
        token=new_organization.admin.token,
        json={"role": "admin"},
    )

    answer = change(new_organization, "suspend", "admin")

    assert (answer.status_code, answer.json()["code"]) == (409, "self_suspension")


def test_two_admins_cannot_suspend_each_other(api, new_organization, change, committed):
    api.patch(
        f"{new_organization.path}/members/{new_organization.member.member['id']}",
        token=new_organization.admin.token,
        json={"role": "admin"},
    )

    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda pair: change(new_organization, "suspend", pair[1], by=pair[0]),
                [("admin", "member"), ("member", "admin")],
            )
        )

    # The second is refused by the rule, or as a session of a suspended member.
    first, second = sorted(one.status_code for one in answers)
    assert first == 200
    assert second in {401, 409}
    active = Member.objects.filter(organization_id=new_organization.id, role="admin")
    assert active.active().count() == 1


@pytest.mark.parametrize(
    ("verb", "code"), [("suspend", "member_not_active"), ("restore", "member_not_suspended")]
)
def test_change_that_was_made_already_is_refused(new_organization, change, verb, code):
    if verb == "suspend":
        change(new_organization, "suspend")

    answer = change(new_organization, verb)

    assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize("verb", ["suspend", "restore"])
def test_suspending_takes_an_admin_of_the_same_organization(api, acme, globex, change, verb):
    path = f"{acme.path}/members/{acme.viewer.member['id']}/{verb}"

    assert api.post(path).status_code == 401
    for person in ("viewer", "member"):
        assert change(acme, verb, by=person).status_code == 403
    assert api.post(path, token=globex.admin.token).status_code == 404
    foreign = path.replace(acme.slug, globex.slug)
    assert api.post(foreign, token=globex.admin.token).status_code == 404


def test_suspended_member_is_not_invited(api, new_organization, change):
    change(new_organization, "suspend")

    answer = api.post(
        f"{new_organization.path}/invitations",
        token=new_organization.admin.token,
        json={"email": new_organization.address("grace"), "role": "member"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


@pytest.mark.parametrize("verb", ["suspend", "restore"])
def test_status_is_changed_under_the_lock(new_organization, committed, verb):
    organization = Organization.objects.get(pk=new_organization.id)
    viewer = new_organization.viewer.member["id"]
    admin = Member.objects.get(pk=new_organization.admin.member["id"])
    if verb == "restore":
        suspensions.suspend_member(organization, member_id=viewer, by=admin)
    calls = {
        "suspend": lambda: suspensions.suspend_member(organization, member_id=viewer, by=admin),
        "restore": lambda: suspensions.restore_member(organization, member_id=viewer),
    }
    before = Member.objects.get(pk=viewer).status

    with (
        organization_locked(organization.pk) as holder,
        waiting_for(holder, calls[verb]) as running,
    ):
        assert Member.objects.get(pk=viewer).status == before

    assert running.result().status != before


# ── What a directory and a removal do to it ──────────────────────────────────────────────────


@pytest.fixture
def people(organization, build_snapshot):
    """Return the admin and the suspended member of an organization."""
    admin = apply.apply_snapshot(
        build_snapshot(organization, "admin@acme.example", roles=("stytch_admin",))
    ).member
    ada = apply.apply_snapshot(build_snapshot(organization, "ada@acme.example")).member
    return admin, suspensions.suspend_member(organization, member_id=ada.pk, by=admin)


def remove_at_stytch(member):
    apply.apply_snapshot(MemberDeleted(stytch_member_id=member.stytch_member_id))


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["active", "pending"])
def test_directory_that_creates_the_member_again_does_not_restore_it(
    organization, people, build_snapshot, status
):
    remove_at_stytch(people[1])

    created = apply.apply_snapshot(build_snapshot(organization, people[1].email, status=status))

    assert (created.member.pk, created.member.status) == (people[1].pk, "suspended")


@pytest.mark.django_db
def test_invitation_of_the_directory_does_not_restore_a_member(
    organization, people, build_snapshot
):
    remove_at_stytch(people[1])
    invited = build_snapshot(organization, people[1].email, status="invited")
    apply.apply_snapshot(invited)

    accepted = build_snapshot(
        organization, people[1].email, stytch_member_id=invited.stytch_member_id
    )

    assert apply.apply_snapshot(accepted).member.status == "suspended"


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["active", "pending"])
def test_invitation_that_a_suspended_member_accepts_is_closed(
    organization, people, build_snapshot, read_events, status
):
    """An open one would hold a seat, and delete the member at Stytch when it expires."""
    remove_at_stytch(people[1])
    invited = build_snapshot(organization, people[1].email, status="invited")
    invitation = apply.apply_snapshot(invited).invitation

    apply.apply_snapshot(replace(invited, status=status, read_at=datetime.now(UTC)))

    invitation.refresh_from_db()
    is_accepted = status == "active"
    assert invitation.status == ("accepted" if is_accepted else "pending")
    assert len(read_events(organization, "invitation.accepted")) == is_accepted
    assert not read_events(organization, "member.reactivated")


@pytest.mark.django_db
def test_admin_who_invites_again_lifts_the_suspension(organization, people, build_snapshot):
    admin, suspended = people
    remove_at_stytch(suspended)
    with actors.act_as(Actor(kind="member", id=str(admin.pk))):
        invitations.prepare_invitation(organization, email=suspended.email, role=Role.MEMBER)
        invited = build_snapshot(organization, suspended.email, status="invited")
        apply.apply_snapshot(invited)

    accepted = build_snapshot(
        organization, suspended.email, stytch_member_id=invited.stytch_member_id
    )
    member = apply.apply_snapshot(accepted).member

    assert (member.pk, member.status, member.suspended_at) == (suspended.pk, "active", None)


def test_reactivation_lifts_the_suspension_of_a_removed_member(api, new_organization, change):
    change(new_organization, "suspend")
    member = f"{new_organization.path}/members/{new_organization.member.member['id']}"
    assert api.delete(member, token=new_organization.admin.token).status_code == 204

    back = api.post(f"{member}/reactivate", token=new_organization.admin.token)

    assert (back.status_code, back.json()["status"]) == (200, "active")
    assert back.json()["suspended_at"] is None


@pytest.mark.django_db
def test_member_who_is_being_removed_is_not_restored(organization, people):
    suspended = people[1]
    pending_changes.open_change(
        organization=organization,
        kind=ChangeKind.REMOVE,
        subject=attribution.subject_of_member(suspended),
    )

    with pytest.raises(ChangeInProgress):
        suspensions.restore_member(organization, member_id=suspended.pk)


@pytest.mark.django_db
def test_last_admin_is_not_suspended(organization, people):
    admin, suspended = people

    with pytest.raises(LastAdmin):
        suspensions.suspend_member(organization, member_id=admin.pk, by=suspended)


@pytest.mark.django_db
def test_suspended_member_gets_no_other_role(organization, people):
    with pytest.raises(MemberNotActive):
        members.change_role(organization, member_id=people[1].pk, role=Role.ADMIN)


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["suspend", "restore"])
def test_member_of_another_organization_is_not_found(
    organization, other_organization, people, build_snapshot, verb
):
    there = apply.apply_snapshot(build_snapshot(other_organization, "eve@globex.example")).member
    calls = {
        "suspend": lambda: suspensions.suspend_member(
            organization, member_id=there.pk, by=people[0]
        ),
        "restore": lambda: suspensions.restore_member(organization, member_id=there.pk),
    }

    with pytest.raises(NotFound):
        calls[verb]()


@pytest.mark.django_db
@pytest.mark.parametrize("end", ["suspension", "removal", "block"])
def test_session_admitted_after_an_earlier_end_is_ended_by_the_next(
    organization, build_snapshot, end
):
    admin = apply.apply_snapshot(
        build_snapshot(organization, "admin@acme.example", roles=("stytch_admin",))
    ).member
    ada = apply.apply_snapshot(build_snapshot(organization, "ada@acme.example")).member
    Member.objects.filter(pk=ada.pk).update(readmitted_session_id=f"session-{secrets.token_hex(4)}")

    if end == "suspension":
        suspensions.suspend_member(organization, member_id=ada.pk, by=admin)
    elif end == "removal":
        remove_at_stytch(ada)
    else:
        users.block_user(ada.user)

    ada.refresh_from_db()
    assert ada.readmitted_session_id == ""


@pytest.mark.django_db
def test_job_leaves_the_sessions_of_a_restored_member(
    organization, people, build_snapshot, django_assert_num_queries
):
    suspensions.restore_member(organization, member_id=people[1].pk)

    with django_assert_num_queries(1):  # a call at Stytch within this transaction would raise
        suspensions.end_suspended_sessions(people[1].pk)
