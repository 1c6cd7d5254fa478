"""Refuse bodies that no field could hold, as a problem with a request id."""

from contextlib import suppress
from io import BytesIO

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import json_api
from kit.errors import ContentTooLarge, Malformed

NUL = b'{"title": "a\\u0000b"}'
BAD = {
    "nothing": b"{",
    "nan": b'{"title": NaN}',
    "infinity": b'{"extra": 1e999}',
    "lone surrogate": b'{"title": "\\ud800"}',
    "bad utf-8": b'{"title": "\xff"}',
    "utf-16": '{"title": "x"}'.encode("utf-16"),
    "nul": NUL,
    "nul in a key": b'{"extra": {"a\\u0000": 1}}',
    "two hundred deep": b'{"extra": ' + b"[" * 200 + b"]" * 200 + b"}",
    "five thousand deep": b'{"extra": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "empty": b"",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_invalid_json_is_malformed(anonymous_client, body):
    response = anonymous_client.post("/notes", body, content_type="application/json")

    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["request_id"] == response["X-Request-Id"]


def test_nul_is_reported_with_its_pointer(anonymous_client):
    body = b'{"title": "x", "tags": ["a", "b\\u0000"]}'

    response = anonymous_client.post("/notes", body, content_type="application/json")

    assert response.json()["errors"][0]["pointer"] == "/tags/1"


def test_escaped_backslash_before_u0000_is_just_text(anonymous_client):
    response = anonymous_client.post(
        "/notes", b'{"title": "\\\\u0000"}', content_type="application/json"
    )

    assert response.status_code == 201


def test_many_shallow_objects_are_not_deep(anonymous_client):
    body = {"title": "x", "lines": [{"text": "y"}] * 90}

    assert anonymous_client.post("/notes", body, content_type="application/json").status_code == 201


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", "", "junk"])
def test_other_media_types_are_refused(anonymous_client, media_type):
    response = anonymous_client.generic("POST", "/notes", b"title=x", content_type=media_type)

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_large_bodies_are_refused_by_their_announced_length(anonymous_client):
    response = anonymous_client.post(
        "/reads-body", b"x" * (1024 * 1024 + 1), content_type="text/plain"
    )

    assert (response.status_code, response.json()["code"]) == (413, "content_too_large")
    assert response["Connection"] == "close"


def test_large_bodies_are_refused_by_their_true_length():
    with pytest.raises(ContentTooLarge):
        json_api.JSONParser().parse(BytesIO(b"[" + b"1," * 1024 * 512 + b"1]"))


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from('[]{}":,\\u0dn1')).map("".join).map(str.encode)
)
def test_no_body_breaks_the_parser(body):
    with suppress(Malformed):
        json_api.dump_json(json_api.JSONParser().parse(BytesIO(body)))


def test_bodies_of_unknown_length_are_refused(anonymous_client):
    response = anonymous_client.generic("POST", "/notes", headers={"transfer-encoding": "chunked"})

    assert (response.status_code, response.json()["code"]) == (411, "length_required")


def test_bodies_at_the_limit_are_read(anonymous_client):
    response = anonymous_client.post("/reads-body", b"x" * 1024 * 1024, content_type="text/plain")

    assert response.json()["detail"] == str(1024 * 1024)


def test_nan_is_rendered_as_null(signed_in_client):
    assert signed_in_client.get("/notes").json()["nan"] is None


def test_no_data_is_rendered_as_an_empty_body():
    assert json_api.JSONRenderer().render(None) == b""


def test_identifier_is_parsed_as_it_was_rendered():
    assert orjson.loads(json_api.dump_json({1: "a"})) == {"1": "a"}
