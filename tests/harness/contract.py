"""The OpenAPI document as tests use it: its operations, and whether an answer keeps its word."""

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
    """One call of the API."""

    id: str
    method: str
    path: str
    said: dict

    @property
    def is_public(self):
        return self.said["security"] == []

    @property
    def permission(self):
        """The one its description names; empty when any session will do."""
        named = re.search(r"Requires the permission `(.+?)`", self.said["description"])
        return named[1] if named else ""

    @property
    def is_scoped(self):
        return "{slug}" in self.path

    @property
    def names(self):
        """The parameters of its path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def queries(self):
        """The parameters of its query, by name."""
        parameters = self.said.get("parameters", ())
        return {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}

    @property
    def body(self):
        """The schema of its body, if it takes one."""
        asked = self.said.get("requestBody")
        return inlined(asked["content"]["application/json"]["schema"]) if asked else None

    def url(self, **values):
        return self.path.format(**values)

    def matches(self, method, path):
        pattern = re.sub(r"{\w+}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def operations():
    """Every operation of the live document."""
    return tuple(
        Operation(said["operationId"], method.upper(), path, said)
        for path, item in pages.build_document()["paths"].items()
        for method, said in item.items()
    )


def find(method, path):
    """The operation a request means; None outside the contract."""
    found = [each for each in operations() if each.matches(method, path)]
    return min(found, key=lambda each: len(each.names), default=None)


def inlined(schema):
    """A schema whose references lead somewhere."""
    return {**schema, "components": pages.build_document()["components"]}


def check(response):
    """Fail unless the answer is one the contract promises."""
    request = response.request
    operation = find(request.method, urlsplit(str(request.url)).path)
    where = f"{request.method} {request.url} → {response.status_code} {response.text[:500]}"
    assert response.status_code != 500, where
    assert response.headers.get("X-Request-Id"), where
    if response.status_code >= 400:
        _check_problem(response, where)
    if operation is None:
        return
    promised = _promised(operation, response.status_code)
    assert promised is not None, f"undocumented status: {where}"
    if "content" not in promised:
        assert response.content == b"", where
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in promised["content"], where
    _validate(response.json(), promised["content"][media_type]["schema"], where)


def _promised(operation, status):
    responses = operation.said["responses"]
    # `default` stands for refusals only: a success must be told.
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
    """The components, with no room for members no one described (problems may have their own)."""
    components = copy.deepcopy(pages.build_document()["components"])
    for name, schema in components["schemas"].items():
        if "properties" in schema and name not in PROBLEMS:
            schema.setdefault("additionalProperties", False)
    return components
