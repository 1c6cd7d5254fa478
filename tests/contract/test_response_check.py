"""Check that an answer that differs from the contract fails a test."""

import httpx
import pytest

from tests.harness.contract import check

GOOD = {"next": None, "previous": None, "results": []}
PROBLEM = {
    "type": "https://api.example.com/docs/errors#not_found",
    "title": "There is nothing here for you",
    "status": 404,
    "detail": "There is nothing here for you.",
    "instance": "urn:request:1",
    "code": "not_found",
    "request_id": "1",
}


def build_answer(status, body, *, media_type="application/json"):
    request = httpx.Request("GET", "http://api.example/v1/plans")
    headers = {"X-Request-Id": "1", "Content-Type": media_type}
    content = httpx.Response(status, json=body).content
    return httpx.Response(status, content=content, headers=headers, request=request)


def build_problem(**members):
    status = members.get("status", 404)
    return build_answer(status, {**PROBLEM, **members}, media_type="application/problem+json")


def test_documented_answer_passes():
    check(build_answer(200, GOOD))
    check(build_problem())


@pytest.mark.parametrize(
    "broken",
    [
        build_answer(200, {**GOOD, "secret": 1}),
        build_answer(200, {"results": []}),
        build_answer(200, {**GOOD, "next": 5}),
        build_answer(200, GOOD, media_type="text/html"),
        build_answer(201, GOOD),
        build_answer(404, PROBLEM),
        build_problem(code="unknown_code"),
        build_problem(code="conflict"),
        build_problem(instance="urn:request:2"),
        build_problem(status=500, code="internal_error"),
        build_problem(status=503, code="unavailable"),
        build_problem(errors=[]),
    ],
    ids=range(12),
)
def test_undocumented_answer_fails(broken):
    with pytest.raises((AssertionError, KeyError)):
        check(broken)
