"""Build the OpenAPI document from what views declare."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from kit.openapi import pages as served
from kit.openapi import schema
from tests.kit import routes


@pytest.fixture(scope="module")
def document():
    patterns = [
        pattern
        for pattern in routes.urlpatterns
        if str(pattern.pattern).startswith(("books", "notes"))
    ]
    return SchemaGenerator(patterns=patterns).get_schema(public=True)


def test_document_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")


def test_document_is_valid(document):
    validate_schema(document)


def test_operation_ids_are_resource_and_verb(document):
    assert {operation["operationId"] for _p, _m, operation in schema.operations(document)} == {
        "books_list",
        "books_recent",
        "books_retrieve",
        "notes_retrieve",
        "notes_create",
    }


def test_operation_id_can_be_declared():
    class Read(routes.Notes):
        operation = {"get": "notes_read"}

    view = Read()
    view.request = type("Request", (), {"method": "GET"})()

    assert view.schema.get_operation_id() == "notes_read"


def test_repeated_operation_ids_are_refused():
    operation = {"operationId": "twice"}

    with pytest.raises(ValueError, match="twice"):
        schema.refuse_duplicates({"paths": {"/a": {"get": operation}, "/b": {"get": operation}}})


def test_security_follows_from_access(document):
    assert document["paths"]["/notes"]["post"]["security"] == []
    assert document["paths"]["/notes"]["get"]["security"] == [{"session": []}]
    assert document["components"]["securitySchemes"]["session"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/notes", "post", {"201", "400", "default"}),
        ("/notes", "get", {"200", "401", "default"}),
        ("/books", "get", {"200", "400", "401", "403", "default"}),
        ("/books/{id}", "get", {"200", "401", "402", "403", "404", "default"}),
    ],
)
def test_refusals_follow_from_declarations(document, path, method, statuses):
    responses = document["paths"][path][method]["responses"]

    assert responses.keys() - {"200", "201"} == statuses - {"200", "201"}
    assert "x-access" not in document["paths"][path][method]


def test_there_are_two_error_components(document):
    assert document["components"]["responses"].keys() == {"Problem", "ValidationProblem"}


def test_documents_match_their_component(document, anonymous_client):
    schema = {**document["components"]["schemas"]["ValidationProblem"]}
    root = {"components": document["components"], **schema}

    body = anonymous_client.post("/notes", {"x": 1}, content_type="application/json").json()

    Draft202012Validator(root).validate(body)


def test_docstrings_become_summary_and_description(document):
    written = document["paths"]["/notes"]["post"]
    listing = document["paths"]["/books"]["get"]

    assert written["summary"] == "Write a note"
    assert "Anyone may." in written["description"]
    assert "`shelf.read`" in listing["description"]
    assert document["paths"]["/books/{id}"]["get"]["description"].endswith("feature `reading`.")


def test_lists_describe_their_parameters(document):
    for path in ("/books", "/books/recent"):
        names = {parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]}

        assert names == {"limit", "cursor", "ordering", "codename", "kind"}


def test_document_has_no_nullable_keyword(document):
    page = document["components"]["schemas"]["BookPage"]

    assert "nullable" not in str(document)
    assert page["properties"]["next"]["type"] == ["string", "null"]


def test_request_bodies_are_closed(document):
    note = document["components"]["schemas"]["NoteRequest"]

    assert note["additionalProperties"] is False
    assert "id" not in note["properties"]
    assert note["properties"]["title"]["maxLength"] == 1000


def test_path_parameters_are_explained(document):
    (parameter,) = document["paths"]["/books/{id}"]["get"]["parameters"]

    assert parameter["description"] == "The object's id."


def test_every_used_tag_is_defined(document):
    assert document["tags"] == [{"name": "books"}, {"name": "notes"}]


def test_document_is_served(settings):
    settings.ROOT_URLCONF = "kit.urls"

    response = Client().get("/openapi.json")

    assert response["Content-Type"] == "application/json"
    assert response.json()["info"]["title"] == "Tenantry"


def test_problem_type_links_to_its_documentation(settings):
    settings.ROOT_URLCONF = "kit.urls"

    page = Client().get("/docs/errors").content.decode()

    assert '<dt id="payment_required"><code>payment_required</code>' in page
    assert "Offer a plan that includes it." in page


@pytest.mark.parametrize("method", ["post", "options"])
def test_documentation_page_refuses_other_methods(settings, method):
    settings.ROOT_URLCONF = "kit.urls"

    response = getattr(Client(), method)("/docs")

    assert response.json()["code"] == "method_not_allowed"


def test_documentation_page_has_no_inline_script(settings):
    settings.ROOT_URLCONF = "kit.urls"

    page = Client().get("/docs").content.decode()

    assert "<script>" not in page
    assert b"swagger" in Client().get("/docs?script=").content.lower()


def test_parallel_first_readers_get_one_document():
    served._build_schema.cache_clear()
    together = threading.Barrier(4, timeout=30)

    def read(_):
        together.wait()
        return id(served.build_document())

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(4)))) == 1
