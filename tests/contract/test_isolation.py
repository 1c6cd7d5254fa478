"""Call every operation on another organization, which must be not found."""

import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection

from tests.contract import table
from tests.contract.calls import call, for_each_operation, get_comparable_answer
from tests.harness.contract import operations

GUARDED = [each for each in operations() if not each.is_public]
SCOPED = [each for each in GUARDED if each.is_scoped]
OF_THINGS = [each for each in GUARDED if set(each.names) - {"slug"} - table.SHARED_NAMES.keys()]
LISTS = [each for each in SCOPED if "cursor" in each.queries]
JUNK = ["junk", "eyJhbGciOiJub25lIn0.e30."]


def compute_digests(organization_id):
    """Return a digest of every table of an organization, shared ones and those of its schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schema_name FROM tenancy_organization WHERE id = %s", [organization_id]
        )
        (schema,) = cursor.fetchone()
        cursor.execute(
            "SELECT table_schema, table_name, bool_or(column_name = 'organization_id')"
            " FROM information_schema.columns WHERE table_schema IN ('public', %s) GROUP BY 1, 2",
            [schema],
        )
        found = {}
        for place, name, is_bound in cursor.fetchall():
            where = {"public": "organization_id = %s" if is_bound else "false"}.get(place, "true")
            where = "id = %s" if name == "tenancy_organization" else where
            cursor.execute(
                f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text))"
                f' FROM "{place}"."{name}" t WHERE {where}',
                [organization_id] if "%s" in where else [],
            )
            found[place, name] = cursor.fetchone()
    return found


@pytest.fixture
def unchanged_rows(owned, committed):
    before = compute_digests(owned.id)
    yield owned
    assert compute_digests(owned.id) == before


def test_public_operations_are_declared():
    assert {operation.id for operation in operations() if operation.is_public} == table.PUBLIC


def test_every_name_in_a_path_is_in_the_table():
    known = table.NAMES.keys() | {(tag, "slug") for tag in list_tags()} | {("me", "session_id")}
    used = {(each.document["tags"][0], name) for each in operations() for name in each.names}

    assert {pair for pair in used if pair[1] not in table.SHARED_NAMES} <= known


def test_every_body_is_in_the_table():
    assert {each.id for each in operations() if each.body} == table.BODIES.keys()


def test_every_name_in_a_body_is_in_the_table():
    used = {
        (each.id, field)
        for each in operations()
        for field in list_fields(each)
        if is_reference(field)
    }

    assert {pair for pair in used if pair[1] not in table.SHARED_FIELDS} == (
        table.FOREIGN_FIELDS.keys()
    )


def test_every_filter_is_in_the_table():
    used = {
        (each.id, name)
        for each in operations()
        if each.id not in table.PUBLIC
        for name in each.queries
    }

    assert {pair for pair in used if pair[1] not in table.SHARED_FILTERS} == (
        table.FOREIGN_FILTERS.keys()
    )


def list_tags():
    return {each.document["tags"][0] for each in operations()}


def list_fields(operation):
    schema = operation.body or {}
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = schema["components"]["schemas"][name]
    return schema.get("properties", {})


def is_reference(field):
    return field == "id" or (field.endswith(("_id", "_ids")) and field != "vat_id")


@for_each_operation(GUARDED)
def test_request_without_a_session_is_unauthorized(api, unchanged_rows, operation):
    values = unchanged_rows.build_path_values(operation)

    answers = [call(api, operation, values, token=token) for token in (None, *JUNK)]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


@for_each_operation(SCOPED)
def test_outsider_gets_not_found(api, globex, unchanged_rows, operation):
    values = unchanged_rows.build_path_values(operation)
    spellings = [
        unchanged_rows.slug,
        unchanged_rows.slug.upper(),
        unchanged_rows.id,
        "unknown-slug",
    ]

    answers = [
        get_comparable_answer(
            call(api, operation, {**values, "slug": slug}, token=globex.token(role))
        )
        for role in ("admin", "member", "viewer")
        for slug in spellings
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * len(answers)


@for_each_operation(OF_THINGS)
def test_foreign_id_in_a_path_is_not_found(api, globex, unchanged_rows, operation):
    token = globex.admin.token
    foreign = {**unchanged_rows.build_path_values(operation), "slug": globex.slug}
    things = foreign.keys() - {"slug"} - table.SHARED_NAMES.keys()
    missing = foreign | {name: str(uuid.uuid4()) for name in things}

    answer = call(api, operation, foreign, token=token)

    assert answer.status_code == 404
    assert get_comparable_answer(answer) == get_comparable_answer(
        call(api, operation, missing, token=token)
    )


@pytest.mark.parametrize(("operation_id", "field"), table.FOREIGN_FIELDS)
def test_foreign_id_in_a_body_is_not_found(
    api, front_end, globex, unchanged_rows, operation_id, field
):
    operation = next(each for each in operations() if each.id == operation_id)
    body = dict(table.BODIES[operation_id])
    if "intermediate_session_token" in body:
        found = front_end.discover(globex.address("ada"))
        body["intermediate_session_token"] = found["intermediate_session_token"]
    foreign = {**body, field: getattr(unchanged_rows, table.FOREIGN_FIELDS[operation_id, field])}
    values = dict.fromkeys(operation.names, globex.slug)
    token = None if operation.is_public else globex.admin.token

    answer = call(api, operation, values, token=token, json=foreign)

    assert answer.status_code in {401, 404}  # 401 where a sign-in has no member there
    assert get_comparable_answer(answer) == get_comparable_answer(
        call(api, operation, values, token=token, json=body)
    )


@pytest.mark.parametrize(("operation_id", "name"), table.FOREIGN_FILTERS)
def test_filter_by_a_foreign_id_finds_nothing(api, globex, unchanged_rows, operation_id, name):
    operation = next(each for each in operations() if each.id == operation_id)
    params = {name: getattr(unchanged_rows, table.FOREIGN_FILTERS[operation_id, name])}

    answer = call(api, operation, {"slug": globex.slug}, token=globex.admin.token, params=params)

    assert answer.json()["results"] == []


@for_each_operation(LISTS)
def test_foreign_cursor_is_refused(api, acme, globex, unchanged_rows, operation):
    def get_next_link(url):
        return api.get(url, token=acme.admin.token, params={"limit": 1}).json()["next"]

    # One invoice makes no second page; then the cursor is one of another list.
    link = get_next_link(operation.url(slug=acme.slug)) or get_next_link(f"{acme.path}/members")
    answer = api.get(
        operation.url(slug=globex.slug),
        token=globex.admin.token,
        params={"cursor": parse_qs(urlsplit(link).query)["cursor"][0]},
    )

    assert answer.json()["code"] == "invalid_cursor"


def test_removed_member_is_unauthorized_everywhere(api, new_organization, front_end, owned):
    address = new_organization.address("gone")
    member = front_end.invite(new_organization.admin, address, role="admin") and front_end.accept(
        address
    )
    path = f"{new_organization.path}/members/{member.member['id']}"
    assert api.delete(path, token=new_organization.admin.token).status_code == 204

    values = {
        each.id: {**owned.build_path_values(each), "slug": new_organization.slug}
        for each in GUARDED
    }
    answers = {
        each.id: call(api, each, values[each.id], token=member.token).status_code
        for each in GUARDED
    }

    assert answers == dict.fromkeys(answers, 401)
