"""Strict serializers tell everything that is wrong at once, and bound every input."""

import pytest


def errors_of(client, body):
    response = client.post("/notes", body, content_type="application/json")
    assert response.status_code == 400, response.content
    return {(error["pointer"], error["code"]) for error in response.json()["errors"]}


def test_known_fields_are_accepted(anyone):
    body = {"title": "x", "lines": [{"text": "y", "number": 3}]}

    response = anyone.post("/notes", body, content_type="application/json")

    assert response.json() == body


def test_unknown_and_invalid_fields_are_reported_together(anyone):
    found = errors_of(anyone, {"titel": "x", "id": "1"})

    assert found == {
        ("/titel", "unknown_field"),
        ("/id", "read_only_field"),
        ("/title", "required"),
    }


@pytest.mark.parametrize(
    ("said", "pointer"),
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
def test_each_field_is_of_its_own_type(anyone, said, pointer):
    assert errors_of(anyone, said) == {(pointer, "invalid")}


def test_whole_number_may_have_a_decimal_point(anyone):
    body = b'{"title": "x", "lines": [{"text": "y", "number": 3.0}]}'

    answer = anyone.post("/notes", body, content_type="application/json")

    assert answer.json()["lines"] == [{"text": "y", "number": 3}]


def test_unknown_fields_of_nested_objects_are_refused(anyone):
    found = errors_of(anyone, {"title": "x", "lines": [{"text": "y"}, {"text": "z", "colour": 1}]})

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
def test_fields_without_a_limit_get_one(anyone, field, value, error):
    assert errors_of(anyone, {"title": "x", field: value}) == {error}


def test_declared_limits_win(anyone):
    found = errors_of(anyone, {"title": "x", "lines": [{"text": "y" * 11}]})

    assert found == {("/lines/0/text", "max_length")}


def test_ten_thousand_unknown_fields_get_a_short_answer(anyone):
    found = errors_of(anyone, {f"f{number}": 1 for number in range(10_000)})

    assert len(found) == 50


def test_long_field_name_is_shortened_in_the_answer(anyone):
    ((pointer, _),) = errors_of(anyone, {"title": "x", "n" * 10_000: 1})

    assert len(pointer) == 200
