"""Keep pages stable while rows are added, and refuse the cursors of other lists."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kit.pagination import Cursor

pytestmark = pytest.mark.django_db


def create_books(*names):
    """Create books with these names, in this order of ids."""
    kind = ContentType.objects.get_for_model(Permission)
    start = Permission.objects.count()
    return Permission.objects.bulk_create(
        Permission(name=name, codename=f"book{start + index}", content_type=kind)
        for index, name in enumerate(names)
    )


@pytest.fixture(autouse=True)
def _delete_books():
    Permission.objects.all().delete()


def list_pages(client, address, direction="next"):
    """Return each page from this address on, in order."""
    pages = []
    for _ in range(100):
        body = client.get(address).json()
        pages.append([row["name"] for row in body["results"]])
        address = body[direction]
        if address is None:
            return pages
    raise AssertionError("the links do not end")


def test_next_links_lead_through_all_pages(signed_in_client):
    create_books("a", "b", "c", "d", "e")

    assert list_pages(signed_in_client, "/books?limit=2") == [["a", "b"], ["c", "d"], ["e"]]


def test_previous_links_lead_back(signed_in_client):
    create_books("a", "b", "c", "d", "e")
    second = signed_in_client.get("/books?limit=2").json()["next"]
    third = signed_in_client.get(second).json()["next"]

    assert list_pages(signed_in_client, third, direction="previous") == [
        ["e"],
        ["c", "d"],
        ["a", "b"],
    ]


def test_previous_page_links_to_the_next(signed_in_client):
    create_books("a", "b", "c", "d")
    second = signed_in_client.get("/books?limit=2").json()["next"]

    first = signed_in_client.get(second).json()["previous"]

    assert list_pages(signed_in_client, first) == [["a", "b"], ["c", "d"]]


def test_ordering_can_be_reversed(signed_in_client):
    create_books("a", "b", "c")

    assert list_pages(signed_in_client, "/books?limit=2&ordering=-name") == [["c", "b"], ["a"]]


def test_ordering_uses_related_columns(signed_in_client):
    create_books("a", "b", "c")

    assert list_pages(signed_in_client, "/books?limit=2&ordering=app") == [["a", "b"], ["c"]]


def test_equal_values_are_ordered_by_id(signed_in_client):
    books = create_books(*["same"] * 7)

    seen = [len(page) for page in list_pages(signed_in_client, "/books?limit=3")]

    assert seen == [3, 3, 1]
    assert len(books) == 7


def test_inserted_row_hides_or_repeats_no_other(signed_in_client):
    create_books(*(f"{number:03}" for number in range(0, 200, 2)))
    address, seen = "/books?limit=7", []

    for step in range(60):
        body = signed_in_client.get(address).json()
        seen += [row["name"] for row in body["results"]]
        create_books(f"{step * 3 + 1:03}")
        address = body["next"]
        if address is None:
            break

    assert [name for name in seen if int(name) % 2 == 0] == [f"{n:03}" for n in range(0, 200, 2)]
    assert len(seen) == len(set(seen))


def test_page_runs_one_query_with_a_row_comparison(signed_in_client):
    create_books("a", "b", "c")
    address = signed_in_client.get("/books?limit=1").json()["next"]

    with CaptureQueriesContext(connection) as captured:
        signed_in_client.get(address)

    (query,) = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert "ROW(" in query


def test_page_has_fifty_rows_by_default(signed_in_client):
    create_books(*(f"{number:03}" for number in range(201)))

    assert len(signed_in_client.get("/books").json()["results"]) == 50
    assert len(signed_in_client.get("/books?limit=200").json()["results"]) == 200


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1000000000", "9" * 30, "abc", "", "1.5", "٣"])
def test_other_limits_are_refused(signed_in_client, limit):
    response = signed_in_client.get("/books", {"limit": limit})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "?limit"


@pytest.mark.parametrize("ordering", ["password", "-", "", "name,code", "--name", "content_type"])
def test_other_orderings_are_refused(signed_in_client, ordering):
    response = signed_in_client.get("/books", {"ordering": ordering})

    assert response.json()["errors"][0] == {
        "pointer": "?ordering",
        "code": "invalid_choice",
        "detail": "Order by one of name, code, app.",
    }


@pytest.mark.parametrize(
    "cursor",
    ["", "junk", "a.b", "🦆", "x" * 1999, signing.Signer(salt="other").sign_object(["name"])],
)
def test_junk_cursors_are_refused(signed_in_client, cursor):
    response = signed_in_client.get("/books", {"cursor": cursor})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "address",
    ["/books?ordering=-name", "/books?ordering=code", "/books?codename=x", "/books/recent?limit=1"],
)
def test_cursor_of_another_list_is_refused(signed_in_client, address):
    create_books("a", "b")
    cursor = (
        signed_in_client.get("/books?limit=1")
        .json()["next"]
        .partition("cursor=")[2]
        .partition("&")[0]
    )

    response = signed_in_client.get(f"{address}&cursor={cursor}")

    assert response.json()["code"] == "invalid_cursor"


def test_cursor_of_another_organization_is_refused(signed_in_client):
    create_books("a", "b")
    address = signed_in_client.get("/books?limit=1").json()["next"]

    response = signed_in_client.get(address, headers={"authorization": "Bearer globex"})

    assert response.json()["code"] == "invalid_cursor"


def test_limit_may_change_between_pages(signed_in_client):
    create_books("a", "b", "c")
    address = signed_in_client.get("/books?limit=1").json()["next"]

    body = signed_in_client.get(address.replace("limit=1", "limit=2")).json()

    assert [row["name"] for row in body["results"]] == ["b", "c"]


def test_further_actions_are_paginated_too(signed_in_client):
    create_books("a", "b", "c")

    assert list_pages(signed_in_client, "/books/recent?limit=2") == [["a", "b"], ["c"]]


def test_cursors_keep_the_type_of_their_values():
    cursor = Cursor("name", "binding", backwards=True, position=("a", 7))

    assert Cursor.decode(cursor.encode()) == cursor


def test_empty_list_has_no_links(signed_in_client):
    assert signed_in_client.get("/books").json() == {"next": None, "previous": None, "results": []}
