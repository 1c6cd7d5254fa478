"""Write to Stytch first, in three steps, and record one change exactly once after any failure."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from identity.errors import ChangeInProgress
from identity.models import Member, PendingChange, User
from identity.roles import Role
from identity.services import pending_changes
from identity.sync import attribution
from identity.tasks import delete_closed_changes, settle_pending_changes
from kit import actor as actors
from kit.errors import PaymentRequired
from tenancy import locks
from tests.harness.stack import poll

MEMBERS = "/v1/b2b/organizations/.*/members"
ONE_MEMBER = "/v1/b2b/organizations/members/dangerously_get"
INVITE = "/v1/b2b/magic_links/email/invite"


@pytest.fixture
def promote(api):
    """The admin makes the organization's ordinary member an admin."""

    def ask(organization):
        target = f"{organization.path}/members/{organization.member.member['id']}"
        return api.patch(target, token=organization.admin.token, json={"role": "admin"})

    return ask


def change_of(organization):
    return PendingChange.objects.filter(organization_id=organization.id).latest("created_at")


def make_stale(organization):
    """As if the process that worked on it had died a minute ago."""
    past = timezone.now() - timedelta(seconds=1)
    PendingChange.objects.filter(organization_id=organization.id).open().update(expires_at=past)


def role_of(organization):
    return Member.objects.get(pk=organization.member.member["id"]).role


def by_admin(organization, events):
    return [event["actor"]["id"] for event in events] == [organization.admin.member["id"]]


def test_echo_before_the_answer_is_told_once_in_the_callers_name(
    sandbox, new_organization, promote, history, wait_until_settled
):
    slow = {"path": MEMBERS, "method": "PUT", "timeout": 1.5, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **slow)

    assert promote(new_organization).status_code == 200

    wait_until_settled()
    assert by_admin(new_organization, history(new_organization, "member.role_changed"))
    assert change_of(new_organization).state == "done"


def test_lost_answer_is_looked_up(sandbox, new_organization, promote, history, wait_until_settled):
    lost = {"path": MEMBERS, "method": "PUT", "drop": True, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **lost)

    answer = promote(new_organization)

    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    wait_until_settled()
    assert by_admin(new_organization, history(new_organization, "member.role_changed"))


def test_lost_question_is_503_and_changes_nothing(sandbox, new_organization, promote, committed):
    sandbox.post("/faults", vendor="stytch", path=MEMBERS, method="PUT", drop=True)

    answer = promote(new_organization)

    assert (answer.status_code, answer.json()["code"]) == (503, "vendor_unavailable")
    assert change_of(new_organization).state == "lapsed"
    assert role_of(new_organization) == "member"
    assert promote(new_organization).status_code == 200


def test_refused_change_is_closed(sandbox, new_organization, promote, committed):
    body = {"status_code": 400, "request_id": "r", "error_type": "no_way", "error_message": "No."}
    sandbox.post("/faults", vendor="stytch", path=MEMBERS, method="PUT", status=400, body=body)

    answer = promote(new_organization)

    assert (answer.status_code, answer.json()["code"]) == (409, "directory_refused")
    assert change_of(new_organization).state == "refused"
    assert promote(new_organization).status_code == 200


@pytest.fixture
def stytch_away(sandbox, drop_webhooks):
    """Return a function that carries out calls of one path, but loses the answer and all later ones."""

    def begin(path, method, lookup=ONE_MEMBER):
        drop_webhooks()
        lost = {"path": path, "method": method, "drop": True, "after_effect": True}
        sandbox.post("/faults", vendor="stytch", **lost)
        sandbox.post("/faults", vendor="stytch", path=lookup, status=500, times=99)

    return begin


def test_change_stytch_never_answered_is_settled_by_the_sweeper(
    sandbox, new_organization, promote, history, stytch_away
):
    stytch_away(MEMBERS, "PUT")
    assert promote(new_organization).status_code == 503
    assert change_of(new_organization).state == "open"

    settle_pending_changes()
    assert change_of(new_organization).state == "open"  # Stytch is still away
    sandbox.delete("/faults")
    settle_pending_changes()

    assert change_of(new_organization).state == "done"
    assert role_of(new_organization) == "admin"
    assert by_admin(new_organization, history(new_organization, "member.role_changed"))


def test_repeated_call_looks_up_the_outcome_of_the_first(
    sandbox, new_organization, promote, history, stytch_away, count_stytch_calls
):
    stytch_away(MEMBERS, "PUT")
    assert promote(new_organization).status_code == 503
    assert promote(new_organization).json()["code"] == "vendor_unavailable"
    sandbox.delete("/faults")
    calls = count_stytch_calls()

    answer = promote(new_organization)

    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert len(calls()) == 1  # one lookup; the role was not set again
    assert by_admin(new_organization, history(new_organization, "member.role_changed"))


def test_refused_lookup_is_a_conflict_and_leaves_the_change_open(
    sandbox, new_organization, promote, committed
):
    lost = {"path": MEMBERS, "method": "PUT", "drop": True}
    sandbox.post("/faults", vendor="stytch", **lost)
    body = {"status_code": 400, "request_id": "r", "error_type": "no_way", "error_message": "No."}
    sandbox.post("/faults", vendor="stytch", path=ONE_MEMBER, status=400, body=body, times=2)

    for answer in (promote(new_organization), promote(new_organization)):
        assert (answer.status_code, answer.json()["code"]) == (409, "directory_refused")
    assert change_of(new_organization).state == "open"
    sandbox.delete("/faults")
    assert promote(new_organization).status_code == 200


def test_repeated_removal_returns_the_outcome_of_the_first(
    api, sandbox, new_organization, history, stytch_away, committed
):
    target = f"{new_organization.path}/members/{new_organization.member.member['id']}"
    stytch_away("/v1/b2b/organizations/.*/members/", "DELETE")
    assert api.delete(target, token=new_organization.admin.token).status_code == 503
    sandbox.delete("/faults")

    assert api.delete(target, token=new_organization.admin.token).status_code == 204
    assert by_admin(new_organization, history(new_organization, "member.removed"))
    assert api.delete(target, token=new_organization.admin.token).status_code == 404


def test_repeated_invitation_of_the_last_seat_returns_the_first(
    api, sandbox, new_organization, stytch_away, committed
):
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    body = {"email": email, "role": "member"}
    stytch_away(INVITE, "POST", lookup="/v1/b2b/organizations/.*/member")

    def invite(**changed):
        path = f"{new_organization.path}/invitations"
        return api.post(path, token=new_organization.admin.token, json=body | changed)

    assert invite().status_code == 503
    sandbox.delete("/faults")
    answer = invite()

    assert (answer.status_code, answer.json()["email"]) == (201, email)
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1
    assert invite(role="viewer").json()["code"] == "invitation_pending"


def test_room_is_checked_only_when_no_change_is_in_the_way(organization):
    """The change in the way holds the last seat itself: it is resolved before room is checked."""

    def refuse():
        raise PaymentRequired

    wanted = {"organization": organization, "kind": "invite", "subject": "address:x@y.example"}
    pending_changes.open_change(**wanted)

    with pytest.raises(ChangeInProgress):
        pending_changes.open_change(**wanted, check=refuse)
    with pytest.raises(PaymentRequired):
        pending_changes.open_change(**wanted | {"subject": "address:z@y.example"}, check=refuse)


def test_other_call_proceeds_once_the_abandoned_one_is_known(
    api, sandbox, new_organization, promote, stytch_away
):
    """The admin wants something else meanwhile: the first outcome is looked up, then it is done."""
    stytch_away(MEMBERS, "PUT")
    assert promote(new_organization).status_code == 503
    sandbox.delete("/faults")
    target = f"{new_organization.path}/members/{new_organization.member.member['id']}"

    answer = api.patch(target, token=new_organization.admin.token, json={"role": "viewer"})

    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")


def test_process_that_died_before_asking_leaves_nothing_behind(new_organization, committed):
    member = Member.objects.select_related("organization").get(
        pk=new_organization.member.member["id"]
    )
    with actors.act_as(actors.Actor(kind="member", id=new_organization.admin.member["id"])):
        pending_changes.open_change(
            organization=member.organization,
            kind="change_role",
            subject=attribution.subject_of_stytch_member(member.stytch_member_id),
            role=Role.ADMIN,
            role_before=member.role,
        )
    make_stale(new_organization)

    settle_pending_changes()

    assert change_of(new_organization).state == "lapsed"
    assert role_of(new_organization) == "member"


def test_sweeper_leaves_work_in_hand_alone(new_organization, committed):
    member = Member.objects.select_related("organization").get(
        pk=new_organization.member.member["id"]
    )
    change = pending_changes.open_change(
        organization=member.organization, kind="remove", subject="member:somebody"
    )

    settle_pending_changes()

    change.refresh_from_db()
    assert change.state == "open"


def test_open_removal_of_an_admin_counts_as_done(api, new_organization, promote, committed):
    promote(new_organization)
    other = Member.objects.select_related("organization").get(
        pk=new_organization.member.member["id"]
    )
    pending_changes.open_change(
        organization=other.organization,
        kind="remove",
        subject=attribution.subject_of_stytch_member(other.stytch_member_id),
        role_before="admin",
    )

    answer = api.post(f"{new_organization.path}/members/leave", token=new_organization.admin.token)

    assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")


def test_admin_whose_invitation_is_being_revoked_counts_as_gone(
    api, sandbox, front_end, new_organization, committed
):
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    made = front_end.invite(new_organization.admin, email, role="admin")
    for lost in ("/v1/b2b/organizations/.*/members/", ONE_MEMBER):
        sandbox.post("/faults", vendor="stytch", path=lost, drop=True, times=99)
    target = f"{new_organization.path}/invitations/{made['id']}"
    assert api.delete(target, token=new_organization.admin.token).status_code == 503
    an_hour = timezone.now() + timedelta(hours=1)  # the sweeper leaves it alone until then
    ours = PendingChange.objects.filter(organization_id=new_organization.id).open()
    assert ours.update(expires_at=an_hour) == 1
    accepted = front_end.accept(email)

    demoted = api.patch(
        f"{new_organization.path}/members/{new_organization.admin.member['id']}",
        token=accepted.token,
        json={"role": "member"},
    )

    assert (demoted.status_code, demoted.json()["code"]) == (409, "last_admin")


def test_removal_of_an_admin_without_stytch_id_counts_for_that_admin_alone(
    api, sandbox, new_organization, committed
):
    leaving, staying = [
        Member.objects.create(
            organization_id=new_organization.id,
            user=User.objects.create(email=email),
            email=email,
            role=Role.ADMIN,
            status="active",
        )
        for email in (new_organization.address("ann"), new_organization.address("bob"))
    ]
    for lost in ("/v1/b2b/organizations/.*/members/", ONE_MEMBER):
        sandbox.post("/faults", vendor="stytch", path=lost, drop=True, times=99)
    removal = api.delete(
        f"{new_organization.path}/members/{leaving.pk}", token=new_organization.admin.token
    )
    assert removal.status_code == 503
    an_hour = timezone.now() + timedelta(hours=1)  # the sweeper leaves it alone until then
    assert (
        PendingChange.objects.filter(organization_id=new_organization.id)
        .open()
        .update(expires_at=an_hour)
        == 1
    )
    sandbox.delete("/faults")

    left = api.post(f"{new_organization.path}/members/leave", token=new_organization.admin.token)

    assert left.status_code == 204
    assert [
        *Member.objects.filter(organization_id=new_organization.id).admins().exclude(pk=leaving.pk)
    ] == [staying]


def test_changes_are_forgotten_a_week_after_they_ended(new_organization, promote, committed):
    promote(new_organization)
    ended = PendingChange.objects.filter(organization_id=new_organization.id)
    ended.update(closed_at=timezone.now() - timedelta(days=8))
    (last,) = [*ended.filter(kind="change_role")]
    ended.filter(pk=last.pk).update(closed_at=timezone.now())

    delete_closed_changes()

    assert [*ended] == [last]


def test_open_invitation_counts_as_sent_and_as_a_seat(api, new_organization, committed):
    member = Member.objects.select_related("organization").get(
        pk=new_organization.member.member["id"]
    )
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    pending_changes.open_change(
        organization=member.organization,
        kind="invite",
        subject=attribution.subject_of_address(email),
        role="member",
    )
    body = {"email": email, "role": "member"}

    answer = api.post(
        f"{new_organization.path}/invitations", token=new_organization.admin.token, json=body
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "change_in_progress")
    taking = PendingChange.objects.in_organization(member.organization)
    assert taking.taking_seats("admin", "member").count() == 1
    assert taking.taking_seats("viewer").count() == 0


def test_invitation_whose_answer_was_lost_is_found_and_mailed_once(
    api, sandbox, new_organization, history, wait_until_settled
):
    email = new_organization.address(f"new-{secrets.token_hex(3)}")
    sandbox.post("/faults", vendor="stytch", path=INVITE, drop=True, after_effect=True)
    body = {"email": email, "role": "viewer"}

    answer = api.post(
        f"{new_organization.path}/invitations", token=new_organization.admin.token, json=body
    )

    assert (answer.status_code, answer.json()["email"]) == (201, email)
    wait_until_settled()
    assert by_admin(
        new_organization, history(new_organization, "invitation.created", answer.json()["id"])
    )
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


def test_no_transaction_is_open_while_stytch_is_asked(
    sandbox, new_organization, promote, committed
):
    """A slow Stytch holds no lock: someone else's change of the organization goes through."""
    slow = {"path": MEMBERS, "method": "PUT", "timeout": 1.0, "after_effect": True}
    sandbox.post("/faults", vendor="stytch", **slow)

    with ThreadPoolExecutor(1) as pool:
        slowly = pool.submit(promote, new_organization)
        poll(
            lambda: PendingChange.objects.open().filter(organization_id=new_organization.id),
            what="step one",
        )
        with_lock = Member.objects.filter(organization_id=new_organization.id).select_for_update(
            nowait=True
        )
        with transaction.atomic():
            locks.lock_organization(new_organization.id)
            assert len(list(with_lock)) == 3
        assert slowly.result().status_code == 200
