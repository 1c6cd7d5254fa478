"""Refuse every input that the contract does not allow, with its pointer."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.contract import table
from tests.contract.calls import call, for_each_operation
from tests.harness.contract import FORMATS, inlined, operations

WITH_BODY = [operation for operation in operations() if operation.body]
NAMED = [each for each in WITH_BODY if "name" in table.BODIES[each.id]]
WITHOUT = [each for each in operations() if not each.body and each.method == "POST"]
WITH_QUERY = [operation for operation in operations() if operation.queries]
WITH_PATH = [operation for operation in operations() if operation.names]

WRONG = {
    "null": None,
    "boolean": True,
    "array": [[]],
    "object": {"a": {"b": 1}},
    "huge": "x" * 20_000,
    "nul": "a\0b",
    "empty": "",
    "negative": -1,
    "astronomic": 10**30,
}
NOT_OBJECTS = [b"[]", b"[1]", b'"text"', b"1", b"null", b"true"]
NOT_JSON = [
    b"{", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 200 + b"]" * 200,
    b'{"a":' * 40 + b"1" + b"}" * 40,
]  # fmt: skip


def build_invalid_bodies(operation):
    """Yield name, field and body for each value that the schema does not allow."""
    good = table.BODIES[operation.id]
    is_fine = Draft202012Validator(operation.body, format_checker=FORMATS).is_valid
    for field in good:
        for name, value in WRONG.items():
            body = {**good, field: value}
            # DRF accepts numbers as text.
            if not is_fine(body) and not (
                isinstance(value, int) and accepts_text(operation, field)
            ):
                yield f"{field}: {name}", field, body


def accepts_text(operation, field):
    name = operation.body["$ref"].rpartition("/")[2]
    schema = operation.body["components"]["schemas"][name]["properties"][field]
    return Draft202012Validator(inlined(schema)).is_valid("text") or schema.get("type") == "string"


@for_each_operation(WITH_BODY)
def test_invalid_value_is_refused_with_its_pointer(api, acme, owned, operation):
    for name, field, body in build_invalid_bodies(operation):
        answer = send_as_admin(api, acme, owned, operation, json=body)

        pointers = [error["pointer"] for error in answer.json().get("errors", ())]
        assert answer.status_code == 400, name
        assert any(pointer.startswith(f"/{field}") for pointer in pointers), (name, pointers)


@for_each_operation(WITH_BODY)
def test_unknown_field_is_refused_with_its_pointer(api, acme, owned, operation):
    body = {**table.BODIES[operation.id], "is_admin": True, "organization": {"id": "x"}}

    answer = send_as_admin(api, acme, owned, operation, json=body)

    errors = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert {("/is_admin", "unknown_field"), ("/organization", "unknown_field")} <= errors


@for_each_operation(NAMED)
def test_name_that_shows_nothing_is_refused(api, acme, owned, operation):
    body = {**table.BODIES[operation.id], "name": "\u200b\u202e\u3164"}

    answer = send_as_admin(api, acme, owned, operation, json=body)

    assert answer.status_code == 400
    errors = {(error["pointer"], error["code"]) for error in answer.json()["errors"]}
    assert errors == {("/name", "invisible")}


@for_each_operation(WITHOUT)
def test_operation_without_a_body_refuses_one(api, acme, owned, operation):
    answer = send_as_admin(api, acme, owned, operation, json={"unknown": 1})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/unknown"


@for_each_operation(WITH_BODY)
def test_body_that_is_no_object_is_refused(api, acme, owned, operation):
    for content in NOT_OBJECTS + NOT_JSON:
        headers = {"Content-Type": "application/json"}
        answer = send_as_admin(api, acme, owned, operation, content=content, headers=headers)

        assert answer.status_code == 400, content


@for_each_operation(WITH_BODY)
@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/xml"]
)
def test_other_media_types_are_refused(api, acme, owned, operation, media_type):
    body = json.dumps(table.BODIES[operation.id]).encode()
    headers = {"Content-Type": media_type}

    answer = send_as_admin(api, acme, owned, operation, content=body, headers=headers)

    assert answer.status_code == 415


@for_each_operation(WITH_QUERY)
def test_invalid_parameter_is_refused_by_name(api, acme, owned, operation):
    values, token = owned.build_path_values(operation), acme.admin.token
    for name, schema in operation.queries.items():
        for wrong in build_invalid_values(schema):
            answer = call(api, operation, values, token=token, params={name: wrong})

            assert answer.status_code == 400, (name, wrong)
            assert answer.json()["errors"][0]["pointer"] == f"?{name}"


@for_each_operation([operation for operation in operations() if operation.method == "GET"])
def test_unknown_parameter_is_refused_by_name(api, acme, owned, operation):
    params = {"organization_id": owned.id, "page": "2"}

    answer = call(
        api, operation, owned.build_path_values(operation), token=acme.admin.token, params=params
    )

    assert {error["pointer"] for error in answer.json()["errors"]} == {"?organization_id", "?page"}


@for_each_operation(WITH_PATH)
def test_invalid_path_is_not_found(api, acme, owned, operation):
    for name in operation.names:
        for wrong in ("%00", "%2e%2e", "x" * 300, "%F0%9F%92%A9", "-1", "%27%3B--", "null"):
            values = owned.build_path_values(operation) | {"slug": acme.slug, name: wrong}

            answer = call(api, operation, values, token=acme.admin.token)

            assert answer.status_code == 404, (name, wrong)


def build_invalid_values(schema):
    yield from ["", "a\0b", "x" * 3_000]
    if schema["type"] == "integer":
        yield from ["0", "-1", "1.5", "nine", str(10**9), "٣"]
    if "enum" in schema or schema.get("format") == "date-time":
        yield from ["unknown", "-", "2026-13-45T99:99:99Z"]


def send_as_admin(api, acme, owned, operation, **options):
    token = None if operation.is_public else acme.admin.token
    return call(api, operation, owned.build_path_values(operation), token=token, **options)
