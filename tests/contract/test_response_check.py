"""The check itself: an answer that breaks its word is noticed."""

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


def answer(status, body, *, media_type="application/json"):
    request = httpx.Request("GET", "http://api.example/v1/plans")
    headers = {"X-Request-Id": "1", "Content-Type": media_type}
    content = httpx.Response(status, json=body).content
    return httpx.Response(status, content=content, headers=headers, request=request)


def problem(**members):
    status = members.get("status", 404)
    return answer(status, {**PROBLEM, **members}, media_type="application/problem+json")


def test_documented_answer_passes():
    check(answer(200, GOOD))
    check(problem())


@pytest.mark.parametrize(
    "broken",
    [
        answer(200, {**GOOD, "secret": 1}),
        answer(200, {"results": []}),
        answer(200, {**GOOD, "next": 5}),
        answer(200, GOOD, media_type="text/html"),
        answer(201, GOOD),
        answer(404, PROBLEM),
        problem(code="nobody_knows_this"),
        problem(code="conflict"),
        problem(instance="urn:request:2"),
        problem(status=500, code="internal_error"),
        problem(status=503, code="unavailable"),
        problem(errors=[]),
    ],
    ids=range(12),
)
def test_undocumented_answer_fails(broken):
    with pytest.raises((AssertionError, KeyError)):
        check(broken)
