"""Who am I?"""


def test_me_tells_person_organization_member_and_permissions(api, acme):
    me = api.get("/v1/me", token=acme.viewer.token).json()

    assert me["user"]["email"] == acme.address("vic")
    assert me["user"]["email_verified"] is True
    assert me["organization"]["slug"] == acme.slug
    assert me["member"]["role"] == "viewer"
    assert "member.read" in me["permissions"]
    assert "member.update" not in me["permissions"]
