"""Check that the OpenAPI document is complete, named, bounded and explained."""

import re

import pytest
from django.conf import settings
from django.urls import URLResolver, get_resolver

from kit import errors
from kit.openapi import pages
from tests.contract.calls import for_each_operation
from tests.harness.contract import operations
from tests.harness.plugin import API_URL, ROOT

ERRORS = ROOT / "docs" / "api" / "errors.md"
BOUNDS = {"enum", "format", "maxLength", "pattern"}


def list_routes(patterns, prefix=""):
    """Yield path and methods of every view of the API."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from list_routes(pattern.url_patterns, path)
        elif path.startswith("v1/"):
            view = pattern.callback
            names = getattr(view, "actions", None) or list_methods(view.cls)
            # DRF adds HEAD to a view set's methods once it has been called.
            methods = {name.upper() for name in names} - {"HEAD"}
            yield re.sub(r"<(\w+:)?\w+>", "{}", f"/{path}"), methods


def list_methods(view_class):
    return [name for name in ("get", "post", "put", "patch", "delete") if hasattr(view_class, name)]


def list_schemas(schema, pointer=""):
    """Yield every schema within a body, with its pointer."""
    if "$ref" in schema:
        return
    yield pointer, schema
    for name, inner in schema.get("properties", {}).items():
        yield from list_schemas(inner, f"{pointer}/{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from list_schemas(schema[name], f"{pointer}/{name}")
    for inner in schema.get("anyOf", []) + schema.get("oneOf", []) + schema.get("allOf", []):
        yield from list_schemas(inner, pointer)


@pytest.fixture(scope="module")
def components():
    return pages.build_document()["components"]


def test_every_route_is_described():
    described = {}
    for operation in operations():
        path = re.sub(r"{\w+}", "{}", operation.path)
        described.setdefault(path, set()).add(operation.method)

    assert dict(list_routes(get_resolver().url_patterns)) == described


def test_operation_id_is_resource_and_verb():
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", operation.id) for operation in operations())


def test_every_enum_has_a_configured_name(components):
    automatic = {name for name in components["schemas"] if name.endswith("Enum")}

    assert automatic <= {"NullEnum"}, "name it in config/pages.py"


def test_every_tag_is_described():
    assert {operation.document["tags"][0] for operation in operations()} == {
        tag["name"] for tag in settings.SPECTACULAR_SETTINGS["TAGS"]
    }


@for_each_operation(operations())
def test_operation_documents_success_and_refusals(operation):
    statuses = operation.document["responses"].keys()

    assert any(status.startswith(("2", "3")) for status in statuses)
    assert "default" in statuses
    assert operation.is_public or "401" in statuses
    assert not operation.is_scoped or {"403", "404"} <= statuses


def test_every_input_has_a_limit(components):
    requests = {name: s for name, s in components["schemas"].items() if name.endswith("Request")}
    endless = [
        f"{name}{pointer}"
        for name, schema in requests.items()
        for pointer, part in list_schemas(schema)
        if (part.get("type") == "string" and not BOUNDS & part.keys())
        or (part.get("type") == "array" and "maxItems" not in part)
        or (part.get("type") == "integer" and not {"minimum", "maximum"} <= part.keys())
    ]

    assert requests
    assert endless == []


def test_every_problem_is_explained():
    rows = re.findall(
        r"^- \*\*`(\w+)`\*\* · (\d{3}) · (.+)\.\n((?:  .+\n)+)", ERRORS.read_text(), re.MULTILINE
    )
    documented = [
        (int(status), code, title, " ".join(advice.split())) for code, status, title, advice in rows
    ]
    known = [
        (kind.status, kind.code, kind.title, kind.advice)
        for kind in errors.list_problems()
        if is_product_problem(kind)
    ]

    assert sorted(documented) == sorted(known)
    assert all(len(advice) > 10 for *_, advice in documented)


def is_product_problem(kind):
    return not kind.__module__.startswith("tests.")


def test_served_document_is_the_contract(api):
    served = api.get("/openapi.json").json()

    assert served["paths"].keys() == {operation.path for operation in operations()}
    assert [server["url"] for server in served["servers"]] == [API_URL]
