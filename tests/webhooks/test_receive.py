"""Receive events over HTTP: store what is signed, refuse the rest."""

import uuid

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate import sql

from kit import jobs
from tests.webhooks.support import list_waiting_jobs
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.services import receive


def test_signed_event_is_stored_unchanged(vendor):
    body = b'{"id": "evt_1", "type": "thing.changed",  "object": "thing_7", "at": 1790000000}'

    answer = vendor.post_body(body=body)

    event = InboundEvent.objects.get()
    assert answer.status_code == 200
    assert event.payload.encode() == body
    assert (event.source, event.external_id, event.type) == ("acme", "evt_1", "thing.changed")
    assert (event.object_key, event.state, event.attempts) == ("thing_7", State.PENDING, 0)
    assert event.occurred_at.timestamp() == 1_790_000_000


def test_new_event_has_exactly_one_job(vendor):
    event = vendor.send_event()

    (job,) = list_waiting_jobs()

    assert job["args"]["event_id"] == str(event.pk)
    assert job["status"] == "todo"


def test_statement_stores_the_job_that_defer_stores(vendor):
    event = vendor.send_event()
    jobs.defer_job("inbound.process", event_id=str(event.pk))

    by_statement, by_defer = list_waiting_jobs()

    carried = by_statement["args"].pop(jobs.ACTOR_ARGUMENT)
    by_defer["args"].pop(jobs.ACTOR_ARGUMENT)
    assert by_statement == by_defer
    assert carried["kind"] == "vendor"
    assert carried["id"] == "acme"


def test_procrastinate_defers_with_the_function_of_the_statement():
    # An upgrade that moves it must change receive.STORE_SQL in the same commit.
    assert "procrastinate_defer_jobs_v1(" in receive.STORE_SQL
    assert "procrastinate_defer_jobs_v1(" in sql.queries["defer_jobs"]


def test_event_and_job_are_stored_by_one_statement(vendor):
    event = vendor.build_event()

    with CaptureQueriesContext(connection) as captured:
        vendor.post_body(event)

    statements = [
        query["sql"] for query in captured if not query["sql"].startswith("SET search_path")
    ]
    assert len(statements) == 1


def test_second_delivery_changes_nothing(vendor):
    first = vendor.send_event(id="evt_1")

    answer = vendor.post_body(vendor.build_event(id="evt_1", type="thing.deleted"))

    assert answer.status_code == 200
    assert InboundEvent.objects.get().type == first.type
    assert len(list_waiting_jobs()) == 1


def test_unhandled_type_is_stored_and_ignored(vendor):
    event = vendor.send_event(type="thing.painted")

    assert (event.state, event.last_error) == (State.IGNORED, "no handler")
    assert list_waiting_jobs() == []


def test_event_of_the_other_mode_is_stored_and_ignored(vendor):
    event = vendor.send_event(livemode=True)

    assert (event.state, event.last_error) == (State.IGNORED, "wrong mode: live")
    assert list_waiting_jobs() == []


NOW = 1_795_000_000


@pytest.mark.parametrize("age", [300, -300])
def test_delivery_signed_within_300_seconds_is_accepted(vendor, age):
    with time_machine.travel(NOW, tick=False):
        assert vendor.post_body(vendor.build_event(), at=NOW - age).status_code == 200


@pytest.mark.parametrize("age", [301, -301])
def test_delivery_signed_over_300_seconds_apart_is_refused(vendor, age):
    with time_machine.travel(NOW, tick=False):
        answer = vendor.post_body(vendor.build_event(), at=NOW - age)

    assert answer.status_code == 400
    assert answer.json()["code"] == "signature_refused"
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"Acme-Signature": ""},
        {"Acme-Signature": "0" * 64},
        {"Acme-Signature": "ä"},
        {"Acme-Timestamp": "yesterday"},
        {"Acme-Timestamp": "1e9"},
        {"Acme-Timestamp": "9" * 400},
    ],
)
def test_delivery_with_a_wrong_signature_is_refused(vendor, headers):
    answer = vendor.post_body(vendor.build_event(), headers=headers)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not InboundEvent.objects.exists()


def test_source_without_a_secret_is_not_found(vendor):
    vendor.secret = ""

    answer = vendor.post_body(vendor.build_event())

    assert answer.status_code == 404
    assert not InboundEvent.objects.exists()


def test_unknown_source_is_answered_like_one_without_a_secret(vendor):
    vendor.secret = ""
    off, unknown = (
        vendor.post_body(vendor.build_event()),
        Client().post("/webhooks/unknown", b"{}", "application/json"),
    )

    for answer in (off, unknown):
        document = answer.json()
        del document["instance"], document["request_id"]
        assert document == {**document, "status": 404, "code": "not_found"}


INVALID_BODIES = {
    "nothing": b" ",
    "a list": b"[]",
    "null": b"null",
    "half": b"{",
    "a string": b'"evt_1"',
    "not UTF-8": b"\xff\xfe",
    "no fields": b'{"id": "evt_1"}',
    "depth": b"[" * 100_000,
    "NUL": b'{"id": "evt\\u0000", "type": "thing.changed", "object": "o", "at": 1}',
    "surrogate": b'{"id": "evt\\ud800", "type": "thing.changed", "object": "o", "at": 1}',
    "empty id": b'{"id": "", "type": "thing.changed", "object": "o", "at": 1}',
    "number as id": b'{"id": 7, "type": "thing.changed", "object": "o", "at": 1}',
    "endless time": b'{"id": "evt_1", "type": "thing.changed", "object": "o", "at": 1e999}',
    "far time": b'{"id": "evt_1", "type": "thing.changed", "object": "o", "at": 99999999999999}',
    "long id": b'{"id": "%s", "type": "thing.changed", "object": "o", "at": 1}' % (b"e" * 256),
}


@pytest.mark.parametrize("body", INVALID_BODIES.values(), ids=INVALID_BODIES)
def test_signed_invalid_body_is_refused_and_not_stored(vendor, body):
    answer = vendor.post_body(body=body)

    assert answer.status_code == 400
    assert answer.json()["code"] == "unreadable_event"
    assert not InboundEvent.objects.exists()


def test_body_over_a_megabyte_is_refused(vendor):
    answer = vendor.post_body(body=b" " * (1024 * 1024 + 1))

    assert answer.status_code == 413
    assert not InboundEvent.objects.exists()


def test_other_media_type_is_refused(vendor):
    assert vendor.post_body(vendor.build_event(), media_type="text/plain").status_code == 415


def test_media_type_may_have_a_charset(vendor):
    assert (
        vendor.post_body(
            vendor.build_event(), media_type="application/json; charset=utf-8"
        ).status_code
        == 200
    )


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete"])
def test_only_post_is_answered(vendor, method):
    answer = getattr(Client(), method)("/webhooks/acme")

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


def test_path_with_a_trailing_slash_is_not_found(vendor):
    assert Client().post("/webhooks/acme/", b"{}", "application/json").status_code == 404


def test_bearer_token_and_cookies_are_ignored(vendor):
    answer = vendor.post_body(
        vendor.build_event(), headers={"Authorization": "Bearer junk", "Cookie": "sessionid=junk"}
    )

    assert answer.status_code == 200


def test_job_stores_the_request_id(vendor):
    request_id = str(uuid.uuid4())

    vendor.post_body(vendor.build_event(), headers={"X-Request-Id": request_id})

    (job,) = list_waiting_jobs()
    assert job["args"][jobs.ACTOR_ARGUMENT]["request_id"] == request_id
