"""Members of an organization: listed, promoted, removed, and never all admins at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.conf import settings

from identity.models import Member, User
from tests.harness.plugin import SANDBOX_URL


def path(company, role, verb=""):
    """The address of one of the company's people, or of a verb on them."""
    member = getattr(company, role).member["id"]
    return f"{company.path}/members/{member}{verb and '/' + verb}"


def test_every_role_sees_the_members(api, acme):
    listed = api.get(f"{acme.path}/members", token=acme.viewer.token).json()

    assert [(one["email"], one["role"]) for one in listed["results"]] == [
        (acme.address("ada"), "admin"),
        (acme.address("grace"), "member"),
        (acme.address("vic"), "viewer"),
    ]
    assert (listed["next"], listed["previous"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"role": "viewer"}, ["vic"]),
        ({"status": "active", "ordering": "-email"}, ["vic", "grace", "ada"]),
        ({"status": "removed"}, []),
        ({"search": "GR"}, ["grace"]),
        ({"search": "nobody"}, []),
        ({"limit": 1}, ["ada"]),
    ],
)
def test_members_are_found_by_role_status_and_beginning(api, acme, query, names):
    listed = api.get(f"{acme.path}/members", params=query, token=acme.admin.token).json()

    assert [one["email"].partition("@")[0] for one in listed["results"]] == names


@pytest.mark.parametrize(
    "query", [{"role": "owner"}, {"color": "red"}, {"ordering": "name"}, {"limit": "many"}]
)
def test_question_that_means_nothing_is_refused(api, acme, query):
    answer = api.get(f"{acme.path}/members", params=query, token=acme.admin.token)

    assert answer.status_code == 400


def test_pages_of_members_follow_each_other(api, acme):
    first = api.get(f"{acme.path}/members?limit=2", token=acme.admin.token).json()
    second = api.get(first["next"], token=acme.admin.token).json()

    assert [len(first["results"]), len(second["results"])] == [2, 1]
    assert second["next"] is None


def test_member_is_shown_to_its_organization_only(api, acme, globex):
    assert api.get(path(acme, "member"), token=acme.viewer.token).status_code == 200
    assert api.get(path(acme, "member"), token=globex.admin.token).status_code == 404
    foreign = path(globex, "member").replace(globex.slug, acme.slug)
    assert api.get(foreign, token=acme.admin.token).status_code == 404


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "reactivate"),
        ("POST", "transfer-admin"),
    ],
)
def test_changing_members_takes_an_admin_of_the_same_organization(api, acme, globex, method, verb):
    target = path(acme, "viewer", verb)
    body = {"json": {"role": "member"}} if method == "PATCH" else {}

    assert api.request(method, target, **body).status_code == 401
    for person in (acme.viewer, acme.member):
        assert api.request(method, target, token=person.token, **body).status_code == 403
    assert api.request(method, target, token=globex.admin.token, **body).status_code == 404


def test_promotion_is_written_to_stytch_and_told_once(api, sandbox, company, history, settled):
    answer = api.patch(path(company, "viewer"), token=company.admin.token, json={"role": "member"})

    assert (answer.status_code, answer.json()["role"]) == (200, "member")
    settled()
    (event,) = history(company, "member.role_changed")
    assert event["changes"] == {"role": ["viewer", "member"]}
    assert (event["actor"]["kind"], event["actor"]["id"]) == ("member", company.admin.member["id"])


def test_same_role_again_changes_nothing(api, company, listening):
    asked = listening()

    answer = api.patch(path(company, "viewer"), token=company.admin.token, json={"role": "viewer"})

    assert answer.status_code == 200
    assert asked() == []


@pytest.mark.parametrize("body", [{}, {"role": "owner"}, {"role": None}, {"name": "x"}, []])
def test_malformed_role_is_refused(api, acme, body):
    assert api.patch(path(acme, "viewer"), token=acme.admin.token, json=body).status_code == 400


def test_last_admin_is_neither_demoted_nor_removed_nor_lets_go(api, company):
    demoted = api.patch(path(company, "admin"), token=company.admin.token, json={"role": "member"})
    removed = api.delete(path(company, "admin"), token=company.admin.token)
    left = api.post(f"{company.path}/members/leave", token=company.admin.token)

    assert [one.status_code for one in (demoted, removed, left)] == [409, 409, 409]
    assert {one.json()["code"] for one in (demoted, removed, left)} == {"last_admin"}


def test_blocked_admin_does_not_count_as_second_admin(api, company, committed):
    api.patch(path(company, "member"), token=company.admin.token, json={"role": "admin"})
    blocked = Member.objects.get(pk=company.member.member["id"])
    User.objects.filter(pk=blocked.user_id).update(is_active=False)

    left = api.post(f"{company.path}/members/leave", token=company.admin.token)

    assert (left.status_code, left.json()["code"]) == (409, "last_admin")


def test_two_admins_cannot_demote_each_other(api, sandbox, company):
    api.patch(path(company, "member"), token=company.admin.token, json={"role": "admin"})
    slow = {"path": "/v1/b2b/organizations/.*/members", "method": "PUT", "timeout": 0.3}
    sandbox.post("/faults", vendor="stytch", times=2, after_effect=True, **slow)

    def demote(by, whom):
        token = getattr(company, by).token
        return api.patch(path(company, whom), token=token, json={"role": "member"}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(demote, ["admin", "member"], ["member", "admin"]))

    assert statuses == [200, 409]
    admins = api.get(f"{company.path}/members?role=admin", token=company.viewer.token).json()
    assert len(admins["results"]) == 1


def test_removed_member_is_gone_at_stytch_and_comes_back(api, sandbox, company, history, settled):
    assert api.delete(path(company, "member"), token=company.admin.token).status_code == 204
    assert api.get("/v1/me", token=company.member.token).status_code == 401
    assert api.delete(path(company, "member"), token=company.admin.token).status_code == 404

    back = api.post(path(company, "member", "reactivate"), token=company.admin.token)

    assert (back.status_code, back.json()["status"]) == (200, "active")
    settled()
    assert len(history(company, "member.removed")) == 1
    (event,) = history(company, "member.reactivated")
    assert event["actor"]["id"] == company.admin.member["id"]


def test_only_the_removed_can_come_back(api, company):
    answer = api.post(path(company, "member", "reactivate"), token=company.admin.token)

    assert (answer.status_code, answer.json()["code"]) == (409, "member_not_removed")


def test_removed_person_is_invited_again_and_keeps_the_row(api, world, company):
    api.delete(path(company, "member"), token=company.admin.token)
    world.invite(company.admin, company.address("grace"), role="viewer")

    back = world.accept(company.address("grace"))

    assert back.member["id"] == company.member.member["id"]
    assert back.member["role"] == "viewer"


def test_who_leaves_is_gone(api, company, history):
    assert api.post(f"{company.path}/members/leave", token=company.viewer.token).status_code == 204

    assert api.get("/v1/me", token=company.viewer.token).status_code == 401
    (event,) = history(company, "member.removed")
    assert event["details"] == {"left": True}


def test_admin_role_is_handed_over(api, company):
    answer = api.post(path(company, "member", "transfer-admin"), token=company.admin.token)

    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    me = api.get("/v1/me", token=company.admin.token).json()
    assert me["member"]["role"] == "member"


def test_admin_role_is_not_handed_to_oneself(api, company):
    answer = api.post(path(company, "admin", "transfer-admin"), token=company.admin.token)

    assert answer.status_code == 404


def test_role_the_identity_provider_assigns_cannot_be_taken_away(
    api, sandbox, company, at_stytch, settled
):
    member_id = at_stytch(company.member.member["id"])
    implied = [
        {
            "role_id": "stytch_admin",
            "source": {"type": "scim_connection_group", "details": {"group_id": "bosses"}},
        }
    ]
    sandbox.post(f"/stytch/members/{member_id}", implicit_roles=implied)
    settled()

    answer = api.patch(path(company, "member"), token=company.admin.token, json={"role": "viewer"})

    assert (answer.status_code, answer.json()["code"]) == (409, "role_assigned_elsewhere")


def test_new_role_leaves_the_projects_own_roles(api, sandbox, company, at_stytch, at_org, settled):
    keys = (settings.STYTCH_PROJECT_ID, settings.STYTCH_SECRET)
    policy = {"org_policy": {"roles": [{"role_id": "auditor"}]}}
    url = f"{SANDBOX_URL}/v1/b2b/rbac/organizations/{at_org(company)}"
    httpx.put(url, json=policy, auth=keys).raise_for_status()
    member = f"/stytch/members/{at_stytch(company.viewer.member['id'])}"
    sandbox.post(member, roles=["viewer", "auditor"])
    settled()

    for role, told in (("admin", "stytch_admin"), ("member", None), ("viewer", "viewer")):
        answer = api.patch(path(company, "viewer"), token=company.admin.token, json={"role": role})

        assert (answer.status_code, answer.json()["role"]) == (200, role)
        held = {one["role_id"] for one in sandbox.get(member)["roles"]}
        assert held - {"stytch_member", told} == {"auditor"}
