"""Sessions after signing in: fresh tokens, other organizations, the end."""

import secrets
import select
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from django.utils import timezone

from identity.models import Member, RevokedSession
from identity.sync import users
from identity.tasks import forget_revoked_sessions
from tests.harness.plugin import WEB_PORT
from tests.harness.stack import poll


@pytest.fixture
def signed_in(api, front_end, sandbox, new_organization):
    """A whole Session document of a member of the organization."""

    def sign_in(name="grace"):
        found = front_end.discover(new_organization.address(name))
        body = {
            "intermediate_session_token": found["intermediate_session_token"],
            "organization_id": new_organization.id,
        }
        return api.post("/v1/auth/sessions", json=body).json()

    return sign_in


def test_refresh_gives_a_fresh_token_of_the_same_session(api, signed_in):
    session = signed_in()

    fresh = api.post("/v1/auth/sessions/refresh", json={"session_token": session["session_token"]})

    assert fresh.status_code == 200
    assert fresh.json()["member"]["id"] == session["member"]["id"]
    assert api.get("/v1/me", token=fresh.json()["session_jwt"]).status_code == 200


def test_signing_out_ends_the_session_here_and_at_stytch(
    api, sandbox, signed_in, wait_until_settled
):
    session = signed_in()
    token = session["session_jwt"]

    assert api.delete("/v1/auth/session", token=token).status_code == 204

    refused = api.get("/v1/me", token=token)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_session")
    wait_until_settled()
    refresh = {"session_token": session["session_token"]}
    assert api.post("/v1/auth/sessions/refresh", json=refresh).status_code == 401


def test_signing_out_works_while_stytch_is_away(api, sandbox, signed_in, count_stytch_calls):
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/sessions/revoke", status=500, times=3)
    session = signed_in()
    asked = count_stytch_calls()

    assert api.delete("/v1/auth/session", token=session["session_jwt"]).status_code == 204

    refresh = {"session_token": session["session_token"]}
    assert api.get("/v1/me", token=session["session_jwt"]).status_code == 401
    assert api.post("/v1/auth/sessions/refresh", json=refresh).status_code == 401
    poll(
        lambda: asked().count("/v1/b2b/sessions/revoke") > 3,
        what="the fourth attempt at Stytch",
    )


def test_signing_out_elsewhere_leaves_this_session(api, signed_in):
    here, there = signed_in(), signed_in()
    listed = api.get("/v1/me/sessions", token=here["session_jwt"]).json()["results"]
    other = next(one for one in listed if not one["is_current"])

    assert (
        api.delete(f"/v1/me/sessions/{other['id']}", token=here["session_jwt"]).status_code == 204
    )

    left = api.get("/v1/me/sessions", token=here["session_jwt"]).json()["results"]
    assert other["id"] not in [one["id"] for one in left]
    assert api.get("/v1/me", token=here["session_jwt"]).status_code == 200
    assert len(left) == len(listed) - 1
    assert there  # one of the sessions that were listed


def test_another_persons_session_is_not_found(api, new_organization):
    theirs = api.get("/v1/me/sessions", token=new_organization.viewer.token).json()["results"][0][
        "id"
    ]

    answer = api.delete(f"/v1/me/sessions/{theirs}", token=new_organization.member.token)

    assert answer.status_code == 404
    assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 200


def test_switching_needs_no_new_link(api, front_end, new_organization):
    other = front_end.create_organization(
        new_organization.address("grace"), name="Other", slug=f"o-{secrets.token_hex(4)}"
    )

    switched = api.post(
        "/v1/auth/sessions/switch", token=other.token, json={"organization_id": new_organization.id}
    )

    assert switched.status_code == 200
    assert switched.json()["organization"]["id"] == new_organization.id
    assert switched.json()["member"]["id"] == new_organization.member.member["id"]
    assert api.get(new_organization.path, token=switched.json()["session_jwt"]).status_code == 200


def test_switching_where_one_does_not_belong_is_refused(api, new_organization, globex):
    answer = api.post(
        "/v1/auth/sessions/switch",
        token=new_organization.member.token,
        json={"organization_id": globex.id},
    )

    assert answer.status_code in {401, 404, 409}
    assert "session_jwt" not in answer.json()


def test_my_organizations_are_those_stytch_discovers(api, front_end, new_organization):
    slug = f"o-{secrets.token_hex(4)}"
    front_end.create_organization(new_organization.address("vic"), name="Other", slug=slug)

    places = api.get("/v1/me/organizations", token=new_organization.viewer.token).json()["results"]

    assert {place["slug"]: place["membership"] for place in places} == {
        new_organization.slug: "active",
        slug: "active",
    }


def test_sessions_of_one_organization_open_no_other(api, new_organization, globex):
    assert api.get(globex.path, token=new_organization.admin.token).status_code == 404


def test_member_we_have_not_met_is_taken_in_at_first_sight(
    api, sandbox, new_organization, at_org, drop_webhooks
):
    drop_webhooks()
    stranger = sandbox.post(
        "/stytch/members",
        organization_id=at_org(new_organization),
        email_address=new_organization.address("sdk"),
        email_address_verified=True,
    )
    token = sandbox.post("/stytch/tokens", member_id=stranger["member_id"])["token"]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: api.get("/v1/me", token=token), range(2)))

    assert {answer.status_code for answer in answers} == {200}
    assert Member.objects.filter(stytch_member_id=stranger["member_id"]).count() == 1


@pytest.mark.parametrize("trouble", [500, 429])
def test_known_members_first_token_is_good_while_stytch_is_away(
    api, sandbox, new_organization, at_org, wait_until_settled, trouble
):
    known = sandbox.post(
        "/stytch/members",
        organization_id=at_org(new_organization),
        email_address=new_organization.address("sdk"),
        email_address_verified=True,
    )
    wait_until_settled()
    proofs = {"email_address": known["email_address"]}
    factor = {"type": "magic_link", "delivery_method": "email", "email_factor": proofs}
    times = {"started_at": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z"}
    session = {"id": "x", **times, "authentication_factors": [factor]}
    claims = {"https://stytch.com/session": session}
    token = sandbox.post("/stytch/tokens", member_id=known["member_id"], claims=claims)["token"]
    path = "/v1/b2b/organizations/members/dangerously_get"
    sandbox.post("/faults", vendor="stytch", path=path, status=trouble, times=99)

    assert api.get("/v1/me", token=token).status_code == 200
    assert api.get("/v1/me", token=token).json()["user"]["email_verified"] is False
    sandbox.delete("/faults")
    assert api.get("/v1/me", token=token).json()["user"]["email_verified"] is True


def test_known_members_requests_ask_stytch_nothing(api, new_organization, count_stytch_calls):
    asked = count_stytch_calls()

    for _ in range(3):
        assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 200

    assert asked() == []


def test_removed_members_token_is_refused_at_once(api, new_organization):
    path = f"{new_organization.path}/members/{new_organization.viewer.member['id']}"
    assert api.delete(path, token=new_organization.admin.token).status_code == 204

    assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 401


def test_changed_role_acts_on_the_next_request(api, new_organization):
    path = f"{new_organization.path}/members/{new_organization.member.member['id']}"
    assert (
        api.get(f"{new_organization.path}/events", token=new_organization.member.token).status_code
        == 403
    )

    api.patch(path, token=new_organization.admin.token, json={"role": "admin"})

    assert (
        api.get(f"{new_organization.path}/events", token=new_organization.member.token).status_code
        == 200
    )


def test_blocked_person_is_refused_everywhere(api, new_organization, committed):
    member = Member.objects.select_related("user").get(pk=new_organization.viewer.member["id"])
    member.user.is_active = False
    member.user.save()

    assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 401


def test_session_ended_by_a_removal_stays_over_after_reactivation(api, new_organization):
    member = new_organization.member.member["id"]
    api.delete(f"{new_organization.path}/members/{member}", token=new_organization.admin.token)

    answer = api.post(
        f"{new_organization.path}/members/{member}/reactivate", token=new_organization.admin.token
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert api.get("/v1/me", token=new_organization.member.token).status_code == 401


def test_member_who_signs_in_after_reactivation_is_let_in(api, front_end, new_organization):
    member = new_organization.member.member["id"]
    api.delete(f"{new_organization.path}/members/{member}", token=new_organization.admin.token)
    api.post(
        f"{new_organization.path}/members/{member}/reactivate", token=new_organization.admin.token
    )

    session = front_end.sign_in(new_organization.address("grace"), slug=new_organization.slug)

    assert api.get("/v1/me", token=session.token).status_code == 200


def test_session_from_before_a_block_stays_over_after_the_block(
    api, new_organization, signed_in, committed
):
    session = signed_in("vic")
    user = Member.objects.select_related("user").get(pk=new_organization.viewer.member["id"]).user
    users.block_user(user)
    users.unblock_user(user)

    refresh = {"session_token": session["session_token"]}
    assert api.get("/v1/me", token=session["session_jwt"]).status_code == 401
    assert api.post("/v1/auth/sessions/refresh", json=refresh).status_code == 401


def test_revocations_are_forgotten_when_the_last_token_has_run_out(db):
    now = timezone.now()
    RevokedSession.objects.create(session_id="old", expires_at=now - timedelta(seconds=1))
    RevokedSession.objects.create(session_id="new", expires_at=now + timedelta(hours=1))

    forget_revoked_sessions()

    assert RevokedSession.objects.get().session_id == "new"


# ── The connection it comes by ───────────────────────────────────────────────────────────────


def test_refusal_leaves_the_connection_to_the_next_request(stack):
    connection = HTTPConnection("127.0.0.1", WEB_PORT, timeout=20)
    connection.putrequest("POST", "/v1/me")
    connection.putheader("Content-Length", "2")
    connection.endheaders()
    select.select([], [], [], 0.1)  # it may refuse before the body has come
    connection.send(b"{}")
    refusal = connection.getresponse()
    refusal.read()

    connection.request("GET", "/livez")

    assert (refusal.status, connection.getresponse().status) == (405, 200)
    connection.close()
