"""Organizations, asked through the real SDK."""

import asyncio

import pytest
import stytch

from sandbox.tests.support import refused


def test_organization_is_found_by_id_slug_and_external_id(client):
    made = client.organizations.create(
        "Acme", organization_slug="acme", organization_external_id="a1"
    )

    names = (made.organization.organization_id, "acme", "ACME", "a1")

    assert {client.organizations.get(n).organization.organization_slug for n in names} == {"acme"}


def test_slug_is_made_from_the_name_and_kept_unique(client):
    slugs = [
        client.organizations.create("Acme & Co").organization.organization_slug for _ in range(2)
    ]

    assert slugs == ["acme-co", "acme-co-2"]


def test_taken_slug_is_refused_in_any_case(client, acme):
    with refused("organization_slug_already_used", 400):
        client.organizations.create("Other", organization_slug="ACME")


@pytest.mark.parametrize("slug", ["a", "a b", "a/b", "--", "ä" * 3, "x" * 129])
def test_bad_slug_is_refused(client, slug):
    with refused("invalid_organization_slug", 400):
        client.organizations.create("Acme", organization_slug=slug)


def test_update_changes_only_what_was_sent(client, acme):
    client.organizations.update(acme.organization_id, organization_name="Acme Two")

    changed = client.organizations.get("acme").organization
    assert (changed.organization_name, changed.organization_slug) == ("Acme Two", "acme")


def test_new_slug_frees_the_old_one(client, acme):
    client.organizations.update(acme.organization_id, organization_slug="acme-two")

    assert client.organizations.create("Other", organization_slug="acme").status_code == 200


def test_metadata_is_merged_and_null_removes(client, acme):
    client.organizations.update(acme.organization_id, trusted_metadata={"a": 1, "b": 2})
    client.organizations.update(acme.organization_id, trusted_metadata={"a": None, "c": 3})

    assert client.organizations.get("acme").organization.trusted_metadata == {"b": 2, "c": 3}


def test_invitations_are_closed_when_other_settings_were_chosen_at_creation(client):
    open_one = client.organizations.create("One").organization
    closed = client.organizations.create("Two", mfa_policy="OPTIONAL").organization

    assert (open_one.email_invites, closed.email_invites) == ("ALL_ALLOWED", "NOT_ALLOWED")


def test_common_mail_domain_is_refused(client, acme):
    with refused("invalid_argument", 400):
        client.organizations.update("acme", email_allowed_domains=["gmail.com"])


def test_unknown_authentication_method_is_refused(client, acme):
    with refused("invalid_argument", 400):
        client.organizations.update("acme", allowed_auth_methods=["magic_link", "fax"])


def test_deleted_organization_and_its_members_are_gone(client, acme, ada):
    client.organizations.delete(acme.organization_id)

    with refused("organization_not_found", 404):
        client.organizations.get(acme.organization_id)
    with refused("member_not_found", 404):
        client.organizations.members.dangerously_get(ada.member_id, include_deleted=True)


def test_malformed_id_is_refused(client):
    with refused("invalid_organization_id", 400):
        client.organizations.get("not an id")


def test_metrics_count_living_members(client, acme, ada):
    bob = client.organizations.members.create("acme", "bob@acme.example").member
    client.organizations.members.delete("acme", bob.member_id)

    assert client.organizations.metrics("acme").member_count == 1


def test_external_id_can_be_removed(client):
    client.organizations.create("Acme", organization_external_id="a1")

    client.organizations.delete_external_id("a1")

    with refused("organization_not_found", 404):
        client.organizations.get("a1")


def test_search_filters_and_pages(client):
    for number in range(5):
        client.organizations.create(f"Acme {number}")
    client.organizations.create("Other")
    query = {
        "operator": "AND",
        "operands": [{"filter_name": "organization_name_fuzzy", "filter_value": "acme"}],
    }

    first = client.organizations.search(limit=3, query=query)
    rest = client.organizations.search(
        limit=3, query=query, cursor=first.results_metadata.next_cursor
    )

    assert first.results_metadata.total == 5
    assert [len(page.organizations) for page in (first, rest)] == [3, 2]
    assert rest.results_metadata.next_cursor is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("organization_slugs", ["ACME"]),
        ("organization_slug_fuzzy", "acm"),
        ("allowed_domains", ["acme.example"]),
        ("allowed_domain_fuzzy", "acme.ex"),
        ("has_active_sso_connection", False),
    ],
)
def test_search_supports_the_filters_of_stytch(client, acme, name, value):
    client.organizations.update("acme", email_allowed_domains=["acme.example"])
    operand = {"filter_name": name, "filter_value": value}

    found = client.organizations.search(query={"operator": "OR", "operands": [operand]})

    assert [o.organization_id for o in found.organizations] == [acme.organization_id]


@pytest.mark.parametrize(
    "query",
    [
        {"operator": "XOR", "operands": []},
        {"operands": [{"filter_name": "organization_slugs", "filter_value": "acme"}]},
        {"operands": [{"filter_name": "organization_slug_fuzzy", "filter_value": "ac"}]},
        {"operands": [{"filter_name": "shoe_size", "filter_value": 44}]},
    ],
)
def test_search_refuses_what_stytch_does_not_know(client, control, query):
    with refused("bad_request", 400):
        client.organizations.search(query=query)


def test_search_finds_organizations_by_a_members_address(client, acme, ada):
    client.organizations.create("Other")
    operand = {"filter_name": "member_emails", "filter_value": ["ADA@acme.example"]}

    found = client.organizations.search(query={"operator": "AND", "operands": [operand]})

    assert [o.organization_id for o in found.organizations] == [acme.organization_id]


def test_organization_defines_its_own_roles(client, acme, ada):
    role = {
        "role_id": "auditor",
        "description": "",
        "permissions": [{"resource_id": "document", "actions": ["read"]}],
    }
    client.rbac.organizations.set_org_policy("acme", {"roles": [role]})

    client.organizations.members.update("acme", ada.member_id, roles=["auditor"])

    assert client.rbac.organizations.get_org_policy("acme").org_policy.roles[0].role_id == "auditor"
    assert client.organizations.get("acme").organization.custom_roles[0].role_id == "auditor"


@pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning")
def test_async_client_is_served_too(served, control):
    async def ask():
        chosen = served.settings
        async with stytch.B2BClient(
            project_id=chosen.stytch_project_id, secret=chosen.stytch_secret, environment=served.url
        ) as client:
            await client.organizations.create_async("Acme")
            return await client.organizations.search_async()

    assert asyncio.run(ask()).results_metadata.total == 1


def test_policy_names_the_three_roles(client):
    policy = client.rbac.policy().policy

    assert {role.role_id for role in policy.roles} == {"stytch_member", "stytch_admin", "viewer"}
