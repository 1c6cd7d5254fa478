"""The job of an event: one attempt, and what becomes of the event afterwards."""

from datetime import timedelta

import psycopg
from django.utils import timezone

from kit import actor as actors
from kit import jobs, locks, transactions
from tests.harness.plugin import DATABASE, OWNER_URL, on_database
from tests.webhooks.support import waiting_jobs
from webhooks.inbound import registry
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.registry import Ignored, RetryLater
from webhooks.inbound.services import process as services_process


def process(event):
    services_process.process_event(event_id=event.pk)
    event.refresh_from_db()
    return event


def fails_with(acme, event, outcome):
    acme.will[event.external_id] = outcome


def test_handler_receives_the_event(acme):
    event = process(acme.send(object="thing_7", colour="red"))

    (received,) = acme.heard
    assert (received.id, received.source, received.type) == (event.pk, "acme", "thing.changed")
    assert (received.object_key, received.payload["colour"]) == ("thing_7", "red")
    assert received.occurred_at == event.occurred_at


def test_processed_event_has_its_times(acme):
    event = process(acme.send())

    assert (event.state, event.attempts, event.next_attempt_at) == (State.SUCCEEDED, 1, None)
    assert event.processed_at is not None


def test_second_job_of_a_processed_event_does_nothing(acme):
    event = process(acme.send())

    assert process(event).attempts == 1
    assert len(acme.heard) == 1


def test_job_of_a_deleted_event_does_nothing(acme):
    event = acme.send()
    InboundEvent.objects.all().delete()

    services_process.process_event(event_id=event.pk)

    assert acme.heard == []


def test_handler_acts_as_the_vendor_outside_any_transaction(acme):
    seen = []

    def look(received):
        seen.append(
            (actors.get_actor().kind, actors.get_actor().id, transactions.is_transaction_open())
        )

    acme.replace_handler(look)
    process(acme.send())

    assert seen == [("vendor", "acme", False)]
    assert actors.get_actor().kind == "system"


def test_handler_may_ignore_an_event_of_no_organization(acme):
    event = acme.send()
    fails_with(acme, event, Ignored("not ours"))

    assert process(event).state == State.IGNORED
    assert event.last_error == "not ours"


def test_handler_may_postpone_an_event(acme):
    event = acme.send()
    fails_with(acme, event, RetryLater(120))

    process(event)

    assert event.state == State.RETRYING
    # Test delays are a hundredth.
    assert event.next_attempt_at - timezone.now() < timedelta(seconds=1.3)
    assert len(waiting_jobs()) == 2
    assert waiting_jobs()[1]["scheduled_at"] is not None


def test_failed_attempt_is_retried_and_stores_its_error(acme):
    event = acme.send()
    fails_with(acme, event, RuntimeError("boom\0 \ud800"))

    process(event)

    assert event.state == State.RETRYING
    assert event.last_error.startswith("RuntimeError: boom")
    assert len(waiting_jobs()) == 2


def test_attempt_after_failures_may_succeed(acme):
    event = acme.send()
    fails_with(acme, event, RuntimeError("boom"))
    process(event)
    acme.will.clear()

    process(event)

    assert (event.state, event.attempts, event.last_error) == (State.SUCCEEDED, 2, "")


def test_delays_grow_from_ten_seconds_to_ten_minutes():
    nominal = [10, 30, 120, 300, 600, 600, 600]

    for attempts, seconds in enumerate(nominal):
        assert (
            0.8 * seconds <= jobs.STANDARD_BACKOFF.delay(attempts).total_seconds() <= 1.2 * seconds
        )


def test_event_fails_three_days_after_its_first_attempt(acme):
    event = acme.send()
    fails_with(acme, event, RuntimeError("boom"))
    process(event)
    jobs_before = len(waiting_jobs())
    InboundEvent.objects.update(first_attempt_at=timezone.now() - timedelta(days=3, seconds=1))

    process(event)

    assert (event.state, event.next_attempt_at) == (State.FAILED, None)
    assert event.last_error == "RuntimeError: boom"
    assert len(waiting_jobs()) == jobs_before


def test_three_days_start_with_the_first_attempt(acme):
    event = acme.send()
    fails_with(acme, event, RuntimeError("boom"))
    InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=9))

    assert process(event).state == State.RETRYING


def test_failing_event_does_not_stop_others(acme):
    poison, other = acme.send(), acme.send()
    fails_with(acme, poison, RuntimeError("boom"))

    assert process(poison).state == State.RETRYING
    assert process(other).state == State.SUCCEEDED


def test_killed_attempt_is_repeated(acme):
    event = acme.send()
    InboundEvent.objects.update(state=State.PROCESSING, attempts=1)

    assert process(event).state == State.SUCCEEDED
    assert event.attempts == 2


def test_event_without_its_former_handler_is_ignored(acme):
    event = acme.send()
    registry._handlers.clear()

    assert process(event).state == State.IGNORED


def test_handler_links_an_event_to_its_organization(acme):
    organization = InboundEvent._meta.pk.default()
    event = acme.send()
    process(event)

    services_process.link_to_organization(acme.heard[0], organization_id=organization)

    event.refresh_from_db()
    assert (event.organization_id, event.user_id) == (organization, None)


def test_event_of_a_locked_object_is_postponed_without_an_attempt(acme, monkeypatch):
    event = acme.send(object="thing_7")
    monkeypatch.setattr(services_process, "LOCK_WAIT_SECONDS", 0.0)

    with psycopg.connect(on_database(OWNER_URL, DATABASE), autocommit=True) as somebody:
        somebody.execute("SELECT pg_advisory_lock(%s)", [locks.lock_number("acme:thing_7")])
        process(event)

    assert (event.state, event.attempts, acme.heard) == (State.PENDING, 0, [])
    assert [job["scheduled_at"] is None for job in waiting_jobs()] == [True, False]
