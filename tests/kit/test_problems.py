"""Render every exception as one problem document."""

import pytest
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ErrorDetail, Throttled, ValidationError

from kit import problems

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id"}


def test_document_has_the_members_of_the_standard(anonymous_client, settings):
    response = anonymous_client.get("/fails/conflict", headers={"x-request-id": "abc-1"})

    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": f"{settings.PROBLEM_TYPE_BASE}shelf_full",
        "title": "The shelf is full",
        "status": 409,
        "detail": "Remove a book first.",
        "instance": "urn:request:abc-1",
        "code": "shelf_full",
        "request_id": "abc-1",
        "limit": 3,
    }


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/fails/missing", 404, "not_found"),
        ("/fails/denied", 403, "forbidden"),
        ("/fails/database", 503, "unavailable"),
        ("/fails/bug", 500, "internal_error"),
        ("/plain-bug", 500, "internal_error"),
        ("/no-such-route", 404, "not_found"),
        ("/undeclared", 403, "access_not_declared"),
        ("/notes", 401, "unauthenticated"),
    ],
)
def test_every_failure_is_a_problem(anonymous_client, address, status, code):
    response = anonymous_client.get(address)

    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body.keys() >= MEMBERS
    assert body["request_id"] == response["X-Request-Id"]
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["missing", "denied", "database", "bug"])
def test_internal_error_shows_no_details(anonymous_client, kind):
    body = anonymous_client.get(f"/fails/{kind}").content

    for secret in (b"Permission", b"secret", b"10.0.0.7", b"ZeroDivision"):
        assert secret not in body


@pytest.mark.parametrize("address", ["/fails/bug", "/plain-bug", "/fails/database"])
def test_failures_are_logged_once(anonymous_client, caplog, address):
    anonymous_client.get(address)

    failures = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(failures) == 1


def test_refusals_are_not_logged_as_failures(anonymous_client, caplog):
    anonymous_client.get("/fails/conflict")

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_failures_reach_error_reporters(signed_in_client):
    with pytest.raises(ZeroDivisionError):
        signed_in_client.get("/fails/bug")


def test_unavailable_database_asks_to_retry(anonymous_client):
    assert anonymous_client.get("/fails/database")["Retry-After"] == "5"


def test_missing_session_names_the_scheme(anonymous_client):
    assert anonymous_client.get("/notes")["WWW-Authenticate"] == "Bearer"


def test_throttled_answer_has_a_retry_after():
    assert problems.find_problem(Throttled(wait=2.5)).headers["Retry-After"] == "3"


def test_a_body_too_large_for_django_is_413():
    assert problems.find_problem(RequestDataTooBig()).status == 413


def test_pointers_lead_into_nested_objects_and_lists():
    detail = ValidationError(
        {
            "title": ["Required."],
            "lines": {1: {"text": [ErrorDetail("Too long.", "max_length")]}},
            "rows": [{}, {"a/b~c": ["Bad."]}],
            "non_field_errors": ["Together they make no sense."],
        }
    ).detail

    found = {(error.pointer, error.code) for error in problems.flatten_errors(detail)}

    assert found == {
        ("/title", "invalid"),
        ("/lines/1/text", "max_length"),
        ("/rows/1/a~1b~0c", "invalid"),
        ("", "invalid"),
    }
