"""Refuse unknown and invalid parameters on every view."""

import pytest
from django.contrib.auth.models import Permission

pytestmark = pytest.mark.django_db


def get_problem(client, address):
    response = client.get(address)
    assert response.status_code == 400, response.content
    return response.json()


def test_filters_reduce_the_list(signed_in_client):
    permission = Permission.objects.first()

    results = signed_in_client.get(f"/books?codename={permission.codename}").json()["results"]

    assert [row["codename"] for row in results] == [permission.codename]


@pytest.mark.parametrize("address", ["/books?page=2", "/books?format=api", "/books/1?codename=x"])
def test_unknown_parameters_are_refused(signed_in_client, address):
    body = get_problem(signed_in_client, address)

    assert body["code"] == "unknown_parameter"
    assert body["errors"][0]["pointer"].startswith("?")


def test_view_without_filters_refuses_parameters(signed_in_client):
    assert signed_in_client.get("/notes?q=x").status_code == 200
    assert get_problem(signed_in_client, "/notes?limit=3")["errors"] == [
        {
            "pointer": "?limit",
            "code": "unknown_parameter",
            "detail": "This parameter does not exist.",
        }
    ]


def test_parameters_are_declared_per_method(anonymous_client):
    response = anonymous_client.post("/notes?q=x", {"title": "x"}, content_type="application/json")

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("kind=abc", "invalid"),
        ("kind=", "blank"),
        (f"codename={'x' * 51}", "max_length"),
        (f"codename={'x' * 2001}", "max_length"),
        ("codename=a%00b", "null_characters_not_allowed"),
    ],
)
def test_wrong_values_point_at_their_parameter(signed_in_client, query, code):
    (error,) = get_problem(signed_in_client, f"/books?{query}")["errors"]

    assert error["pointer"] == f"?{query.partition('=')[0]}"
    assert error["code"] == code


def test_ten_thousand_parameters_are_refused(signed_in_client):
    query = "&".join(f"p{number}=1" for number in range(10_000))

    assert get_problem(signed_in_client, f"/books?{query}")["code"] == "malformed"


def test_many_unknown_parameters_get_a_short_answer(signed_in_client):
    query = "&".join(f"p{number}=1" for number in range(500))

    assert len(get_problem(signed_in_client, f"/books?{query}")["errors"]) == 20


def test_broken_utf8_finds_nothing(signed_in_client):
    assert signed_in_client.get("/books?codename=%ed%a0%80").json()["results"] == []
