"""Offers to become a member, and the four ways they end."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from identity.models import Invitation, Member
from identity.tasks import expire_invitations
from kit.actor import Actor, act_as
from tests.harness.stack import poll


@pytest.fixture
def invite(api):
    def ask(organization, email, **said):
        body = {"email": email, "role": "member", **said}
        return api.post(
            f"{organization.path}/invitations", token=organization.admin.token, json=body
        )

    return ask


def address(organization):
    return organization.address(f"new-{secrets.token_hex(3)}")


def listed(api, organization, **query):
    answer = api.get(
        f"{organization.path}/invitations", params=query, token=organization.admin.token
    )
    return {one["email"]: one for one in answer.json()["results"]}


def test_invitation_is_mailed_and_listed(
    api, sandbox, new_organization, invite, history, wait_until_settled
):
    email = address(new_organization)

    answer = invite(new_organization, email, role="viewer", name="New")

    assert answer.status_code == 201
    made = answer.json()
    assert (made["email"], made["role"], made["status"]) == (email, "viewer", "pending")
    assert made["invited_by"] == new_organization.admin.member["id"]
    assert sandbox.mail(email, "invite")
    wait_until_settled()
    assert listed(api, new_organization, status="pending")[email]["id"] == made["id"]
    (event,) = history(new_organization, "invitation.created", made["id"])
    assert event["actor"]["id"] == new_organization.admin.member["id"]


def test_acceptance_makes_a_member_with_the_offered_role(api, front_end, new_organization, invite):
    email = address(new_organization)
    invite(new_organization, email, role="viewer")

    joined = front_end.accept(email)

    assert joined.member["role"] == "viewer"
    assert listed(api, new_organization)[email]["status"] == "accepted"
    assert listed(api, new_organization)[email]["accepted_at"]


def test_address_that_grows_in_lower_case_is_measured_so(new_organization, invite):
    answer = invite(new_organization, "a@" + ("\u0130" * 20 + ".") * 11 + "example")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "max_length"


def test_invitation_follows_the_address_to_stytch(
    api, sandbox, new_organization, invite, wait_until_settled
):
    made, moved = (
        invite(new_organization, address(new_organization)).json(),
        address(new_organization),
    )
    at_stytch = Invitation.objects.get(pk=made["id"]).stytch_member_id

    sandbox.post(f"/stytch/members/{at_stytch}", email_address=moved)

    wait_until_settled()
    assert listed(api, new_organization)[moved]["id"] == made["id"]


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_one_pending_invitation_per_address(new_organization, invite, case):
    email = address(new_organization)
    assert invite(new_organization, email).status_code == 201

    again = invite(new_organization, case(email))

    assert (again.status_code, again.json()["code"]) == (409, "invitation_pending")


def test_two_admins_inviting_at_once_send_one_invitation(api, sandbox, new_organization, invite):
    email = address(new_organization)
    slow = {"path": "/v1/b2b/magic_links/email/invite", "timeout": 0.3}
    sandbox.post("/faults", vendor="stytch", times=2, after_effect=True, **slow)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: invite(new_organization, email), range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


def test_member_is_not_invited(new_organization, invite):
    answer = invite(new_organization, new_organization.address("vic"))

    assert (answer.status_code, answer.json()["code"]) == (409, "already_member")


def test_inviting_takes_an_admin_of_the_same_organization(api, acme, globex):
    body = {"email": "x@y.example", "role": "member"}
    target = f"{acme.path}/invitations"

    assert api.post(target, json=body).status_code == 401
    for person in (acme.viewer, acme.member):
        assert api.post(target, token=person.token, json=body).status_code == 403
        assert api.get(target, token=person.token).status_code == 403
    assert api.post(target, token=globex.admin.token, json=body).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/email", "/role"}),
        ({"email": "nonsense", "role": "owner"}, {"/email", "/role"}),
        ({"email": "a@b.example", "role": "member", "admin": True}, {"/admin"}),
        ({"email": "a@b.example", "role": "member", "name": "x" * 300}, {"/name"}),
    ],
)
def test_malformed_invitation_names_every_field(api, acme, body, pointers):
    answer = api.post(f"{acme.path}/invitations", token=acme.admin.token, json=body)

    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers


def test_invitation_is_mailed_again_for_longer(api, sandbox, new_organization, invite, history):
    email = address(new_organization)
    made = invite(new_organization, email).json()

    target = f"{new_organization.path}/invitations/{made['id']}/resend"
    again = api.post(target, token=new_organization.admin.token)

    assert again.status_code == 200
    assert again.json()["expires_at"] > made["expires_at"]
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 2
    assert len(history(new_organization, "invitation.resent", made["id"])) == 1


def test_revoked_invitation_opens_nothing(
    api, sandbox, new_organization, invite, history, wait_until_settled
):
    email = address(new_organization)
    made = invite(new_organization, email).json()
    token = sandbox.mailed_token(email, "invite")
    target = f"{new_organization.path}/invitations/{made['id']}"

    assert api.delete(target, token=new_organization.admin.token).status_code == 204

    accepted = api.post("/v1/auth/invitations/accept", json={"token": token})
    assert (accepted.status_code, accepted.json()["code"]) == (401, "invalid_sign_in")
    assert listed(api, new_organization)[email]["status"] == "revoked"
    wait_until_settled()
    (event,) = history(new_organization, "invitation.revoked", made["id"])
    assert event["actor"]["id"] == new_organization.admin.member["id"]


@pytest.mark.parametrize(("method", "verb"), [("DELETE", ""), ("POST", "/resend")])
def test_closed_invitation_stays_closed(api, front_end, new_organization, invite, method, verb):
    email = address(new_organization)
    made = invite(new_organization, email).json()
    front_end.accept(email)

    answer = api.request(
        method,
        f"{new_organization.path}/invitations/{made['id']}{verb}",
        token=new_organization.admin.token,
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "invitation_closed")


def test_revoked_address_is_invited_again(api, front_end, new_organization, invite):
    email = address(new_organization)
    made = invite(new_organization, email).json()
    api.delete(
        f"{new_organization.path}/invitations/{made['id']}", token=new_organization.admin.token
    )

    assert invite(new_organization, email).status_code == 201
    assert front_end.accept(email).member["email"] == email


def overdue(organization, email):
    moment = timezone.now() - timedelta(seconds=1)
    Invitation.objects.filter(organization_id=organization.id, email=email).update(
        expires_at=moment
    )


def test_overdue_invitation_reads_as_expired_at_once(api, new_organization, invite, committed):
    email = address(new_organization)
    invite(new_organization, email)
    overdue(new_organization, email)

    assert listed(api, new_organization)[email]["status"] == "expired"
    assert email in listed(api, new_organization, status="expired")
    assert email not in listed(api, new_organization, status="pending")
    assert not Invitation.objects.pending().filter(email=email).exists()


def test_overdue_invitation_is_closed_here_and_at_stytch(
    api, sandbox, new_organization, invite, history, committed
):
    email = address(new_organization)
    made = invite(new_organization, email).json()
    overdue(new_organization, email)

    with act_as(Actor(kind="system", id="expire_invitations")):
        expire_invitations()

    assert Invitation.objects.get(pk=made["id"]).status == "expired"
    (event,) = history(new_organization, "invitation.expired", made["id"])
    assert event["actor"]["kind"] == "system"
    accepted = api.post(
        "/v1/auth/invitations/accept", json={"token": sandbox.mailed_token(email, "invite")}
    )
    assert accepted.status_code == 401


def test_acceptance_we_have_not_heard_of_survives_the_clean_up(
    api, sandbox, new_organization, invite, drop_webhooks
):
    email = address(new_organization)
    invite(new_organization, email)
    member = Invitation.objects.get(
        organization_id=new_organization.id, email=email
    ).stytch_member_id
    drop_webhooks()
    sandbox.post(f"/stytch/members/{member}", status="active")
    overdue(new_organization, email)

    expire_invitations()

    assert (
        Invitation.objects.get(organization_id=new_organization.id, email=email).status
        == "accepted"
    )
    assert Member.objects.get(stytch_member_id=member).is_active


def test_invitation_that_stytch_refuses_to_show_does_not_keep_the_others_open(
    sandbox, new_organization, invite, committed
):
    emails = [address(new_organization) for _ in range(2)]
    for email in emails:
        invite(new_organization, email)
        overdue(new_organization, email)
    refused, other = (
        Invitation.objects.get(organization_id=new_organization.id, email=email) for email in emails
    )
    Invitation.objects.filter(pk=refused.pk).update(expires_at=timezone.now() - timedelta(days=9))
    body = {"status_code": 400, "request_id": "r", "error_type": "no_way", "error_message": "No."}
    path = f"/v1/b2b/organizations/members/dangerously_get/{refused.stytch_member_id}"
    sandbox.post("/faults", vendor="stytch", path=path, status=400, times=99, body=body)

    expire_invitations()

    refused.refresh_from_db()
    other.refresh_from_db()
    assert (refused.status, other.status) == ("pending", "expired")


def test_overdue_address_is_invited_again_at_once(api, new_organization, invite, committed):
    email = address(new_organization)
    invite(new_organization, email)
    overdue(new_organization, email)

    assert invite(new_organization, email).status_code == 201
    assert Invitation.objects.open().filter(email=email).count() == 1


def test_invitation_made_in_the_dashboard_is_ours_too(
    api, sandbox, front_end, new_organization, at_org
):
    email = address(new_organization)
    sandbox.post(
        "/stytch/members",
        organization_id=at_org(new_organization),
        email_address=email,
        status="invited",
    )
    poll(lambda: email in listed(api, new_organization), what="the dashboard's invitation")

    assert listed(api, new_organization)[email]["invited_by"] is None
    assert front_end.accept(email).member["email"] == email


def test_many_are_invited_at_once_each_with_a_result(
    api, sandbox, new_organization, wait_until_settled
):
    new = [address(new_organization) for _ in range(3)]
    rows = [{"email": email, "role": "member"} for email in [*new, new_organization.address("vic")]]

    answer = api.post(
        f"{new_organization.path}/invitations/bulk",
        token=new_organization.admin.token,
        json={"invitations": rows},
    )

    assert answer.status_code == 202
    results = answer.json()["results"]
    assert [one["result"] for one in results] == ["queued"] * 3 + ["refused"]
    assert results[3]["problem"]["code"] == "already_member"
    wait_until_settled()
    assert set(new) <= listed(api, new_organization, status="pending").keys()
    assert all(sandbox.get("/inbox", email=email)["mails"] for email in new)


def test_bulk_survives_stytch_asking_to_slow_down(
    api, sandbox, new_organization, wait_until_settled
):
    email = address(new_organization)
    path = "/v1/b2b/magic_links/email/invite"
    sandbox.post("/faults", vendor="stytch", path=path, status=429, times=2)

    api.post(
        f"{new_organization.path}/invitations/bulk",
        token=new_organization.admin.token,
        json={"invitations": [{"email": email, "role": "viewer"}]},
    )

    poll(lambda: email in listed(api, new_organization, status="pending"), what="the invitation")
    assert len(sandbox.get("/inbox", email=email)["mails"]) == 1


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"email": "a@b.example", "role": "member"}] * 2,
        [{"email": f"p{n}@b.example", "role": "member"} for n in range(101)],
        [{"email": "a@b.example", "role": "member", "x": 1}],
    ],
)
def test_malformed_bulk_is_refused_as_a_whole(api, acme, rows):
    answer = api.post(
        f"{acme.path}/invitations/bulk", token=acme.admin.token, json={"invitations": rows}
    )

    assert answer.status_code == 400
