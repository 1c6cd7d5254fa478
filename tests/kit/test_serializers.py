"""Report all wrong fields at once, and limit every input."""

import pytest
from rest_framework.exceptions import ValidationError

from kit.serializers import NameField


def list_errors(client, body):
    response = client.post("/notes", body, content_type="application/json")
    assert response.status_code == 400, response.content
    return {(error["pointer"], error["code"]) for error in response.json()["errors"]}


def test_known_fields_are_accepted(anonymous_client):
    body = {"title": "x", "lines": [{"text": "y", "number": 3}]}

    response = anonymous_client.post("/notes", body, content_type="application/json")

    assert response.json() == body


def test_unknown_and_invalid_fields_are_reported_together(anonymous_client):
    found = list_errors(anonymous_client, {"titel": "x", "id": "1"})

    assert found == {
        ("/titel", "unknown_field"),
        ("/id", "read_only_field"),
        ("/title", "required"),
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"title": 5}, "/title"),
        ({"title": True}, "/title"),
        ({"title": "x", "tags": ["x", 5]}, "/tags/1"),
        ({"title": "x", "lines": [{"text": 1.5}]}, "/lines/0/text"),
        ({"title": "x", "lines": [{"text": "y", "number": "3"}]}, "/lines/0/number"),
        ({"title": "x", "lines": [{"text": "y", "number": True}]}, "/lines/0/number"),
        ({"title": "x", "lines": [{"text": "y", "number": 1.5}]}, "/lines/0/number"),
        ({"title": "x", "read": "yes"}, "/read"),
        ({"title": "x", "read": 1}, "/read"),
        ({"title": "x", "shelf": 7}, "/shelf"),
    ],
)
def test_each_field_is_of_its_own_type(anonymous_client, body, pointer):
    assert list_errors(anonymous_client, body) == {(pointer, "invalid")}


def test_whole_number_may_have_a_decimal_point(anonymous_client):
    body = b'{"title": "x", "lines": [{"text": "y", "number": 3.0}]}'

    answer = anonymous_client.post("/notes", body, content_type="application/json")

    assert answer.json()["lines"] == [{"text": "y", "number": 3}]


def test_unknown_fields_of_nested_objects_are_refused(anonymous_client):
    found = list_errors(
        anonymous_client, {"title": "x", "lines": [{"text": "y"}, {"text": "z", "colour": 1}]}
    )

    assert found == {("/lines/1/colour", "unknown_field")}


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("title", "x" * 1001, ("/title", "max_length")),
        ("tags", ["x"] * 101, ("/tags", "max_length")),
        ("tags", ["x" * 1001], ("/tags/0", "max_length")),
        ("lines", [{"text": "y"}] * 101, ("/lines", "max_length")),
        ("lines", [{"text": "y", "number": 2**31}], ("/lines/0/number", "max_value")),
        ("lines", [{"text": "y", "number": -(2**31)}], ("/lines/0/number", "min_value")),
    ],
)
def test_fields_without_a_limit_get_one(anonymous_client, field, value, error):
    assert list_errors(anonymous_client, {"title": "x", field: value}) == {error}


def test_declared_limits_win(anonymous_client):
    found = list_errors(anonymous_client, {"title": "x", "lines": [{"text": "y" * 11}]})

    assert found == {("/lines/0/text", "max_length")}


def test_ten_thousand_unknown_fields_get_a_short_answer(anonymous_client):
    found = list_errors(anonymous_client, {f"f{number}": 1 for number in range(10_000)})

    assert len(found) == 50


def test_long_field_name_is_shortened_in_the_answer(anonymous_client):
    ((pointer, _),) = list_errors(anonymous_client, {"title": "x", "n" * 10_000: 1})

    assert len(pointer) == 200


@pytest.mark.parametrize(
    "name",
    [
        "\u200b",
        "\u202e\u2066",
        "\u00ad",
        "\u2060 \ufeff",
        "\u3164",
        "\u2800",
        "\u0301",
        "\u034f\ufe0f",
        "\u180e",
    ],
)
def test_name_that_shows_nothing_is_refused(name):
    with pytest.raises(ValidationError) as refused:
        NameField().run_validation(name)

    assert refused.value.detail[0].code == "invisible"


@pytest.mark.parametrize(
    "name", ["Ada", "\u0639\u0644\u064a\u200f", "\u5c71\u7530", "7", "!", "\U0001f600", "e\u0301"]
)
def test_name_that_shows_something_is_accepted(name):
    assert NameField().run_validation(name) == name


def test_blank_name_is_accepted_where_it_is_allowed():
    assert NameField(allow_blank=True).run_validation("") == ""
