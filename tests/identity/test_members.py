"""Members of an organization: listed, promoted, removed, and never all admins at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.conf import settings

from identity.models import Member, User
from tests.harness.plugin import SANDBOX_URL


def path(organization, role, verb=""):
    """The address of one of the organization's people, or of a verb on them."""
    member = getattr(organization, role).member["id"]
    return f"{organization.path}/members/{member}{verb and '/' + verb}"


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


def test_promotion_is_written_to_stytch_and_told_once(
    api, sandbox, new_organization, history, wait_until_settled
):
    answer = api.patch(
        path(new_organization, "viewer"),
        token=new_organization.admin.token,
        json={"role": "member"},
    )

    assert (answer.status_code, answer.json()["role"]) == (200, "member")
    wait_until_settled()
    (event,) = history(new_organization, "member.role_changed")
    assert event["changes"] == {"role": ["viewer", "member"]}
    assert (event["actor"]["kind"], event["actor"]["id"]) == (
        "member",
        new_organization.admin.member["id"],
    )


def test_same_role_again_changes_nothing(api, new_organization, count_stytch_calls):
    asked = count_stytch_calls()

    answer = api.patch(
        path(new_organization, "viewer"),
        token=new_organization.admin.token,
        json={"role": "viewer"},
    )

    assert answer.status_code == 200
    assert asked() == []


@pytest.mark.parametrize("body", [{}, {"role": "owner"}, {"role": None}, {"name": "x"}, []])
def test_malformed_role_is_refused(api, acme, body):
    assert api.patch(path(acme, "viewer"), token=acme.admin.token, json=body).status_code == 400


def test_last_admin_is_neither_demoted_nor_removed_nor_lets_go(api, new_organization):
    demoted = api.patch(
        path(new_organization, "admin"), token=new_organization.admin.token, json={"role": "member"}
    )
    removed = api.delete(path(new_organization, "admin"), token=new_organization.admin.token)
    left = api.post(f"{new_organization.path}/members/leave", token=new_organization.admin.token)

    assert [one.status_code for one in (demoted, removed, left)] == [409, 409, 409]
    assert {one.json()["code"] for one in (demoted, removed, left)} == {"last_admin"}


def test_blocked_admin_does_not_count_as_second_admin(api, new_organization, committed):
    api.patch(
        path(new_organization, "member"), token=new_organization.admin.token, json={"role": "admin"}
    )
    blocked = Member.objects.get(pk=new_organization.member.member["id"])
    User.objects.filter(pk=blocked.user_id).update(is_active=False)

    left = api.post(f"{new_organization.path}/members/leave", token=new_organization.admin.token)

    assert (left.status_code, left.json()["code"]) == (409, "last_admin")


def test_two_admins_cannot_demote_each_other(api, sandbox, new_organization):
    api.patch(
        path(new_organization, "member"), token=new_organization.admin.token, json={"role": "admin"}
    )
    slow = {"path": "/v1/b2b/organizations/.*/members", "method": "PUT", "timeout": 0.3}
    sandbox.post("/faults", vendor="stytch", times=2, after_effect=True, **slow)

    def demote(by, whom):
        token = getattr(new_organization, by).token
        return api.patch(
            path(new_organization, whom), token=token, json={"role": "member"}
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(demote, ["admin", "member"], ["member", "admin"]))

    assert statuses == [200, 409]
    admins = api.get(
        f"{new_organization.path}/members?role=admin", token=new_organization.viewer.token
    ).json()
    assert len(admins["results"]) == 1


def test_removed_member_is_gone_at_stytch_and_comes_back(
    api, sandbox, new_organization, history, wait_until_settled
):
    assert (
        api.delete(path(new_organization, "member"), token=new_organization.admin.token).status_code
        == 204
    )
    assert api.get("/v1/me", token=new_organization.member.token).status_code == 401
    assert (
        api.delete(path(new_organization, "member"), token=new_organization.admin.token).status_code
        == 404
    )

    back = api.post(
        path(new_organization, "member", "reactivate"), token=new_organization.admin.token
    )

    assert (back.status_code, back.json()["status"]) == (200, "active")
    wait_until_settled()
    assert len(history(new_organization, "member.removed")) == 1
    (event,) = history(new_organization, "member.reactivated")
    assert event["actor"]["id"] == new_organization.admin.member["id"]


def test_only_the_removed_can_come_back(api, new_organization):
    answer = api.post(
        path(new_organization, "member", "reactivate"), token=new_organization.admin.token
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "member_not_removed")


def test_removed_person_is_invited_again_and_keeps_the_row(api, front_end, new_organization):
    api.delete(path(new_organization, "member"), token=new_organization.admin.token)
    front_end.invite(new_organization.admin, new_organization.address("grace"), role="viewer")

    back = front_end.accept(new_organization.address("grace"))

    assert back.member["id"] == new_organization.member.member["id"]
    assert back.member["role"] == "viewer"


def test_who_leaves_is_gone(api, new_organization, history):
    assert (
        api.post(
            f"{new_organization.path}/members/leave", token=new_organization.viewer.token
        ).status_code
        == 204
    )

    assert api.get("/v1/me", token=new_organization.viewer.token).status_code == 401
    (event,) = history(new_organization, "member.removed")
    assert event["details"] == {"left": True}


def test_admin_role_is_handed_over(api, new_organization):
    answer = api.post(
        path(new_organization, "member", "transfer-admin"), token=new_organization.admin.token
    )

    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    me = api.get("/v1/me", token=new_organization.admin.token).json()
    assert me["member"]["role"] == "member"


def test_admin_role_is_not_handed_to_oneself(api, new_organization):
    answer = api.post(
        path(new_organization, "admin", "transfer-admin"), token=new_organization.admin.token
    )

    assert answer.status_code == 404


def test_role_the_identity_provider_assigns_cannot_be_taken_away(
    api, sandbox, new_organization, at_stytch, wait_until_settled
):
    member_id = at_stytch(new_organization.member.member["id"])
    implied = [
        {
            "role_id": "stytch_admin",
            "source": {"type": "scim_connection_group", "details": {"group_id": "bosses"}},
        }
    ]
    sandbox.post(f"/stytch/members/{member_id}", implicit_roles=implied)
    wait_until_settled()

    answer = api.patch(
        path(new_organization, "member"),
        token=new_organization.admin.token,
        json={"role": "viewer"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "role_assigned_elsewhere")


def test_new_role_leaves_the_projects_own_roles(
    api, sandbox, new_organization, at_stytch, at_org, wait_until_settled
):
    keys = (settings.STYTCH_PROJECT_ID, settings.STYTCH_SECRET)
    policy = {"org_policy": {"roles": [{"role_id": "auditor"}]}}
    url = f"{SANDBOX_URL}/v1/b2b/rbac/organizations/{at_org(new_organization)}"
    httpx.put(url, json=policy, auth=keys).raise_for_status()
    member = f"/stytch/members/{at_stytch(new_organization.viewer.member['id'])}"
    sandbox.post(member, roles=["viewer", "auditor"])
    wait_until_settled()

    for role, build_snapshot in (("admin", "stytch_admin"), ("member", None), ("viewer", "viewer")):
        answer = api.patch(
            path(new_organization, "viewer"),
            token=new_organization.admin.token,
            json={"role": role},
        )

        assert (answer.status_code, answer.json()["role"]) == (200, role)
        held = {one["role_id"] for one in sandbox.get(member)["roles"]}
        assert held - {"stytch_member", build_snapshot} == {"auditor"}
