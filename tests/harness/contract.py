"""List the operations of the OpenAPI document, and check answers against it."""

import copy
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

from kit import errors
from kit.openapi import pages

PROBLEMS = {"Problem", "ValidationProblem"}
FORMATS = FormatChecker()


@FORMATS.checks("date-time", raises=ValueError)
def _is_utc(value):
    return not isinstance(value, str) or (value.endswith("Z") and datetime.fromisoformat(value))


@FORMATS.checks("uri")
def _is_absolute(value):
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@dataclass(frozen=True)
class Operation:
    """Hold one operation of the API with its part of the document."""

    id: str
    method: str
    path: str
    document: dict

    @property
    def is_public(self):
        return self.document["security"] == []

    @property
    def permission(self):
        """Return the permission that its description names, or an empty string."""
        named = re.search(r"Requires the permission `(.+?)`", self.document["description"])
        return named[1] if named else ""

    @property
    def success(self):
        """Return the status of its success, which for a GET is 200 or a redirect."""
        return int(min(self.document["responses"]))

    @property
    def is_scoped(self):
        return "{slug}" in self.path

    @property
    def names(self):
        """Return the names of its path parameters."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def queries(self):
        """Return the schemas of its query parameters by name."""
        parameters = self.document.get("parameters", ())
        return {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}

    @property
    def body(self):
        """Return the schema of its body, or None."""
        request_body = self.document.get("requestBody")
        return (
            inlined(request_body["content"]["application/json"]["schema"]) if request_body else None
        )

    def url(self, **values):
        return self.path.format(**values)

    def matches(self, method, path):
        pattern = re.sub(r"{\w+}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def operations():
    """Return every operation of the current document."""
    return tuple(
        Operation(document["operationId"], method.upper(), path, document)
        for path, item in pages.build_document()["paths"].items()
        for method, document in item.items()
    )


def find(method, path):
    """Return the operation of a request, or None outside the contract."""
    found = [each for each in operations() if each.matches(method, path)]
    return min(found, key=lambda each: len(each.names), default=None)


def inlined(schema):
    """Return a schema with the components that its references need."""
    return {**schema, "components": pages.build_document()["components"]}


def check(response):
    """Fail unless the contract documents the answer."""
    request = response.request
    operation = find(request.method, urlsplit(str(request.url)).path)
    where = f"{request.method} {request.url} → {response.status_code} {response.text[:500]}"
    assert response.status_code != 500, where
    assert response.headers.get("X-Request-Id"), where
    if response.status_code >= 400:
        _check_problem(response, where)
    if operation is None:
        return
    documented = _find_documented(operation, response.status_code)
    assert documented is not None, f"undocumented status: {where}"
    if "content" not in documented:
        assert response.content == b"", where
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in documented["content"], where
    _validate(response.json(), documented["content"][media_type]["schema"], where)


def _find_documented(operation, status):
    responses = operation.document["responses"]
    # `default` covers refusals only; a success is documented by its status.
    found = responses.get(str(status)) or (responses["default"] if status >= 400 else None)
    if found and "$ref" in found:
        return pages.build_document()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    return found


def _check_problem(response, where):
    body = response.json()
    ours = (kind for kind in errors.list_problems() if not kind.__module__.startswith("tests."))
    kinds = {kind.code: kind for kind in ours}
    assert response.headers["Content-Type"] == "application/problem+json", where
    assert body["status"] == response.status_code, where
    assert body["instance"] == f"urn:request:{response.headers['X-Request-Id']}", where
    assert kinds[body["code"]].status == response.status_code, where
    assert (response.status_code == 400) == ("errors" in body), where
    if response.status_code in (429, 503):
        assert response.headers["Retry-After"].isdecimal(), where


def _validate(body, schema, where):
    whole = {**schema, "components": _closed_components()}
    found = list(Draft202012Validator(whole, format_checker=FORMATS).iter_errors(body))
    assert not found, f"{where}\n" + "\n".join(f"{e.json_path}: {e.message}" for e in found)


@cache
def _closed_components():
    """Return the components without additional members, which only problems may have."""
    components = copy.deepcopy(pages.build_document()["components"])
    for name, schema in components["schemas"].items():
        if "properties" in schema and name not in PROBLEMS:
            schema.setdefault("additionalProperties", False)
    return components
