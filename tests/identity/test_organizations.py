"""The organization itself: seen by all its members, renamed by admins, at Stytch first."""

import secrets

import pytest

from tenancy.models import Organization


def test_organization_answers_to_its_slug_in_any_case_and_to_its_id(api, acme):
    for reference in (acme.slug, acme.slug.upper(), acme.id):
        answer = api.get(f"/v1/organizations/{reference}", token=acme.viewer.token)
        assert (answer.status_code, answer.json()["id"]) == (200, acme.id)


def test_organization_of_others_is_as_if_it_were_not(api, acme, globex):
    other = api.get(globex.path, token=acme.admin.token)
    nowhere = api.get("/v1/organizations/nowhere-at-all", token=acme.admin.token)

    assert other.status_code == nowhere.status_code == 404
    differing = {"instance", "request_id"}
    assert {k: v for k, v in other.json().items() if k not in differing} == {
        k: v for k, v in nowhere.json().items() if k not in differing
    }


def test_renaming_is_written_to_stytch_and_told_once(
    api, new_organization, history, wait_until_settled
):
    slug = f"renamed-{secrets.token_hex(4)}"
    body = {"name": "Acme Inc.", "slug": slug}

    answer = api.patch(new_organization.path, token=new_organization.admin.token, json=body)

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["slug"]) == ("Acme Inc.", slug)
    new_organization.slug = slug
    wait_until_settled()
    (event,) = history(new_organization, "organization.updated")
    assert event["actor"]["id"] == new_organization.admin.member["id"]


def test_name_alone_leaves_the_slug(api, new_organization):
    answer = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"name": "Other"}
    )

    assert (answer.json()["name"], answer.json()["slug"]) == ("Other", new_organization.slug)


def test_name_alone_leaves_a_slug_we_have_not_heard_of(
    api, sandbox, new_organization, at_org, drop_webhooks
):
    drop_webhooks()
    new = f"renamed-{secrets.token_hex(4)}"
    sandbox.post(f"/stytch/organizations/{at_org(new_organization)}", organization_slug=new)

    answer = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"name": "Other"}
    )

    assert (answer.json()["name"], answer.json()["slug"]) == ("Other", new)


def test_slug_of_another_organization_is_refused(api, new_organization, globex, committed):
    answer = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"slug": globex.slug}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
    assert Organization.objects.get(pk=new_organization.id).slug == new_organization.slug


@pytest.mark.parametrize(
    "body", [{"slug": "admin"}, {"name": ""}, {"name": 5}, {"id": "x"}, {"slug": "a b"}]
)
def test_malformed_renaming_is_refused_by_field(api, acme, body):
    answer = api.patch(acme.path, token=acme.admin.token, json=body)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{next(iter(body))}"]


def test_renaming_takes_an_admin(api, acme, globex):
    body = {"name": "Mine"}

    assert api.patch(acme.path, json=body).status_code == 401
    for person in (acme.viewer, acme.member):
        assert api.patch(acme.path, token=person.token, json=body).status_code == 403
    assert api.patch(acme.path, token=globex.admin.token, json=body).status_code == 404


def test_stytch_away_leaves_the_name(api, sandbox, new_organization, committed):
    sandbox.post("/faults", vendor="stytch", path="/v1/b2b/organizations", status=500, times=2)

    answer = api.patch(
        new_organization.path, token=new_organization.admin.token, json={"name": "Lost"}
    )

    assert answer.status_code == 503
    assert Organization.objects.get(pk=new_organization.id).name != "Lost"


def test_permissions_table_is_shown_to_every_role(api, acme):
    answer = api.get(f"{acme.path}/permissions", token=acme.viewer.token).json()

    assert answer["roles"] == ["admin", "member", "viewer"]
    table = {one["name"]: one["roles"] for one in answer["permissions"]}
    assert table["member.remove"] == ["admin"]
    assert table["member.read"] == ["admin", "member", "viewer"]
