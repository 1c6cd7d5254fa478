"""Members, their life and their roles, asked through the real SDK."""

import pytest

from sandbox.tests.support import refused


def held(member):
    return {role.role_id for role in member.roles}


def test_member_is_found_by_id_external_id_and_address(client, acme, ada):
    client.organizations.members.update("acme", ada.member_id, external_id="user|1")
    get = client.organizations.members.get

    answers = [
        get("acme", member_id=ada.member_id),
        get("acme", member_id="user|1"),
        get("acme", email_address="ADA@Acme.Example"),
        client.organizations.members.dangerously_get(ada.member_id),
    ]

    assert {answer.member_id for answer in answers} == {ada.member_id}


def test_address_is_kept_in_lower_case_and_unique_in_any(client, acme):
    made = client.organizations.members.create("acme", " Bob@Acme.Example ").member

    assert made.email_address == "bob@acme.example"
    with refused("duplicate_member_email", 400):
        client.organizations.members.create("acme", "BOB@acme.example")


@pytest.mark.parametrize(
    "address", ["bob", "bob@", "@acme.example", "bob@acme", "b ob@acme.example"]
)
def test_bad_address_is_refused(client, acme, address):
    with refused("invalid_email", 400):
        client.organizations.members.create("acme", address)


def test_member_may_be_created_pending(client, acme):
    made = client.organizations.members.create(
        "acme", "bob@acme.example", create_member_as_pending=True
    )

    assert (made.member.status, made.member.email_address_verified) == ("pending", False)


def test_everyone_holds_stytch_member_and_admin_follows_the_role(client, acme, ada):
    bob = client.organizations.members.create("acme", "bob@acme.example").member

    assert (held(ada), ada.is_admin) == ({"stytch_member", "stytch_admin"}, True)
    assert (held(bob), bob.is_admin) == ({"stytch_member"}, False)


def test_roles_replace_all_explicit_ones_and_empty_removes_them(client, acme, ada):
    update = client.organizations.members.update

    viewer = update("acme", ada.member_id, roles=["viewer"]).member
    renamed = update("acme", ada.member_id, name="Ada L").member
    plain = update("acme", ada.member_id, roles=[]).member

    assert (held(viewer), viewer.is_admin) == ({"stytch_member", "viewer"}, False)
    assert held(renamed) == held(viewer)
    assert held(plain) == {"stytch_member"}


def test_unknown_and_default_roles_are_refused(client, acme, ada):
    with refused("invalid_rbac_role_id", 400):
        client.organizations.members.update("acme", ada.member_id, roles=["emperor"])
    with refused("cannot_assign_default_rbac_role_id", 400):
        client.organizations.members.update("acme", ada.member_id, roles=["stytch_member"])


def test_domain_gives_a_role_that_updating_the_member_cannot_take(client, acme, signed_in):
    assignment = {"domain": "acme.example", "role_id": "viewer"}
    client.organizations.update("acme", rbac_email_implicit_role_assignments=[assignment])
    client.organizations.members.create("acme", "bob@acme.example")
    bob = signed_in("acme", "bob@acme.example").member

    kept = client.organizations.members.update("acme", bob.member_id, roles=[]).member

    sources = {role.role_id: [source.type for source in role.sources] for role in kept.roles}
    assert sources["viewer"] == ["email_assignment"]


def test_changed_address_is_retired_and_closed_to_others(client, acme, ada):
    changed = client.organizations.members.update(
        "acme", ada.member_id, email_address="ada@new.example"
    ).member

    assert [old.email_address for old in changed.retired_email_addresses] == ["ada@acme.example"]
    assert not changed.email_address_verified
    with refused("duplicate_member_email", 400):
        client.organizations.members.create("acme", "ada@acme.example")


def test_unlinked_address_is_free_for_others(client, acme, ada):
    client.organizations.members.update(
        "acme", ada.member_id, email_address="ada@new.example", unlink_email=True
    )

    assert client.organizations.members.create("acme", "ada@acme.example").status_code == 200


def test_deleted_member_is_hidden_and_the_address_makes_a_new_one(client, acme, ada):
    client.organizations.members.delete("acme", ada.member_id)

    with refused("member_not_found", 404):
        client.organizations.members.get("acme", member_id=ada.member_id)
    gone = client.organizations.members.dangerously_get(ada.member_id, include_deleted=True).member
    again = client.organizations.members.create("acme", "ada@acme.example").member
    assert gone.status == "deleted"
    assert again.member_id != ada.member_id


def test_second_delete_is_not_found(client, acme, ada):
    client.organizations.members.delete("acme", ada.member_id)

    with refused("member_not_found", 404):
        client.organizations.members.delete("acme", ada.member_id)


def test_member_of_another_organization_is_not_found(client, acme, ada):
    client.organizations.create("Other", organization_slug="other")

    with refused("member_does_not_exist_in_organization", 404):
        client.organizations.members.get("other", member_id=ada.member_id)


def test_verified_member_is_reactivated(client, acme, signed_in):
    client.organizations.members.create("acme", "bob@acme.example")
    bob = signed_in("acme", "bob@acme.example").member
    client.organizations.members.delete("acme", bob.member_id)

    back = client.organizations.members.reactivate("acme", bob.member_id).member

    assert (back.member_id, back.status) == (bob.member_id, "active")


def test_reactivation_is_refused_for_each_reason(client, acme, ada, signed_in):
    reactivate = client.organizations.members.reactivate
    with refused("no_deleted_member_found_for_reactivation", 400):
        reactivate("acme", ada.member_id)
    client.organizations.members.delete("acme", ada.member_id)
    with refused("email_unverified_for_reactivation", 400):
        reactivate("acme", ada.member_id)
    client.organizations.members.create("acme", "bob@acme.example")
    bob = signed_in("acme", "bob@acme.example").member
    client.organizations.members.delete("acme", bob.member_id)
    client.organizations.members.create("acme", "bob@acme.example")
    with refused("reactivation_email_belongs_to_another_member", 400):
        reactivate("acme", bob.member_id)


def test_search_leaves_deleted_members_out_unless_asked(client, acme, ada):
    bob = client.organizations.members.create("acme", "bob@acme.example").member
    client.organizations.members.delete("acme", bob.member_id)
    asked = {
        "operator": "AND",
        "operands": [{"filter_name": "statuses", "filter_value": ["deleted"]}],
    }

    usual = client.organizations.members.search(["acme"])
    deleted = client.organizations.members.search(["acme"], query=asked)

    assert [m.member_id for m in usual.members] == [ada.member_id]
    assert [m.member_id for m in deleted.members] == [bob.member_id]
    assert usual.organizations[acme.organization_id].organization_slug == "acme"


def test_search_combines_filters_and_pages(client, acme, ada):
    for number in range(4):
        client.organizations.members.create(
            "acme", f"viewer{number}@acme.example", roles=["viewer"]
        )
    operands = [
        {"filter_name": "member_roles", "filter_value": ["viewer"]},
        {"filter_name": "member_email_fuzzy", "filter_value": "viewer"},
    ]
    query = {"operator": "AND", "operands": operands}

    first = client.organizations.members.search(["acme"], limit=3, query=query)
    rest = client.organizations.members.search(
        ["acme"], limit=3, query=query, cursor=first.results_metadata.next_cursor
    )

    assert (first.results_metadata.total, len(first.members), len(rest.members)) == (4, 3, 1)


def test_search_needs_an_organization_and_known_filters(client, acme):
    with refused("bad_request", 400):
        client.organizations.members.search([])
    with refused("bad_request", 400):
        client.organizations.members.search(
            ["acme"],
            query={
                "operator": "AND",
                "operands": [{"filter_name": "shoe_size", "filter_value": 1}],
            },
        )


def test_external_id_is_unique_in_its_organization_and_can_be_removed(client, acme, ada):
    client.organizations.members.update("acme", ada.member_id, external_id="u1")
    with refused("duplicate_member_external_id", 400):
        client.organizations.members.create("acme", "bob@acme.example", external_id="u1")

    client.organizations.members.delete_external_id("acme", ada.member_id)

    assert (
        client.organizations.members.create(
            "acme", "bob@acme.example", external_id="u1"
        ).member.external_id
        == "u1"
    )
