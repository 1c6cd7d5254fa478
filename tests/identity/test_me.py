"""Who am I, and what do I say about myself?"""

import pytest


def test_me_tells_person_organization_member_and_permissions(api, acme):
    me = api.get("/v1/me", token=acme.viewer.token).json()

    assert me["user"]["email"] == acme.address("vic")
    assert me["user"]["email_verified"] is True
    assert me["organization"]["slug"] == acme.slug
    assert me["member"]["role"] == "viewer"
    assert "member.read" in me["permissions"]
    assert "member.update" not in me["permissions"]


@pytest.mark.parametrize("what", ["organizations", "sessions"])
def test_my_lists_come_in_the_envelope_of_every_list(api, acme, what):
    listed = api.get(f"/v1/me/{what}", token=acme.viewer.token).json()

    assert (listed["next"], listed["previous"]) == (None, None)
    assert listed["results"]


def test_me_without_a_session_is_refused(api):
    assert api.get("/v1/me").status_code == 401
    assert api.patch("/v1/me", json={"name": "x"}).status_code == 401


def test_name_picture_and_time_zone_are_ones_own(api, new_organization):
    said = {
        "name": "Victor", "avatar_url": "https://pictures.example/v.png", "timezone": "Europe/Oslo",
    }  # fmt: skip

    answer = api.patch("/v1/me", token=new_organization.viewer.token, json=said)

    assert answer.status_code == 200
    me = api.get("/v1/me", token=new_organization.viewer.token).json()["user"]
    assert {name: me[name] for name in said} == said


@pytest.mark.parametrize(
    "said",
    [
        {"timezone": "Mars/Olympus"},
        {"avatar_url": "javascript:alert(1)"},
        {"email": "other@acme.example"},
        {"is_staff": True},
        {"name": "x" * 256},
        {"name": None},
    ],
)
def test_nothing_else_is_ones_own(api, acme, said):
    answer = api.patch("/v1/me", token=acme.viewer.token, json=said)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(said))}"
