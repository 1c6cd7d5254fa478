"""Run the job of an event, and store the result of its attempt."""

from datetime import timedelta

import psycopg
from django.utils import timezone

from kit import actor as actors
from kit import jobs, locks, transactions
from tests.harness.plugin import DATABASE, OWNER_URL, on_database
from tests.webhooks.support import list_waiting_jobs
from webhooks.inbound import registry
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.registry import Ignored, RetryLater
from webhooks.inbound.services import process as services_process


def process_event(event):
    services_process.process_event(event_id=event.pk)
    event.refresh_from_db()
    return event


def set_failure(vendor, event, outcome):
    vendor.failures[event.external_id] = outcome


def test_handler_receives_the_event(vendor):
    event = process_event(vendor.send_event(object="thing_7", colour="red"))

    (received,) = vendor.received
    assert (received.id, received.source, received.type) == (event.pk, "acme", "thing.changed")
    assert (received.object_key, received.payload["colour"]) == ("thing_7", "red")
    assert received.occurred_at == event.occurred_at


def test_processed_event_has_its_times(vendor):
    event = process_event(vendor.send_event())

    assert (event.state, event.attempts, event.next_attempt_at) == (State.SUCCEEDED, 1, None)
    assert event.processed_at is not None


def test_second_job_of_a_processed_event_does_nothing(vendor):
    event = process_event(vendor.send_event())

    assert process_event(event).attempts == 1
    assert len(vendor.received) == 1


def test_job_of_a_deleted_event_does_nothing(vendor):
    event = vendor.send_event()
    InboundEvent.objects.all().delete()

    services_process.process_event(event_id=event.pk)

    assert vendor.received == []


def test_handler_acts_as_the_vendor_outside_any_transaction(vendor):
    seen = []

    def store_actor(received):
        seen.append(
            (actors.get_actor().kind, actors.get_actor().id, transactions.is_transaction_open())
        )

    vendor.replace_handler(store_actor)
    process_event(vendor.send_event())

    assert seen == [("vendor", "acme", False)]
    assert actors.get_actor().kind == "system"


def test_handler_may_ignore_an_event_of_no_organization(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, Ignored("not ours"))

    assert process_event(event).state == State.IGNORED
    assert event.last_error == "not ours"


def test_handler_may_postpone_an_event(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, RetryLater(120))

    process_event(event)

    assert event.state == State.RETRYING
    # Delays in tests are a hundredth.
    assert event.next_attempt_at - timezone.now() < timedelta(seconds=1.3)
    assert len(list_waiting_jobs()) == 2
    assert list_waiting_jobs()[1]["scheduled_at"] is not None


def test_failed_attempt_is_retried_and_stores_its_error(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, RuntimeError("boom\0 \ud800"))

    process_event(event)

    assert event.state == State.RETRYING
    assert event.last_error.startswith("RuntimeError: boom")
    assert len(list_waiting_jobs()) == 2


def test_attempt_after_failures_may_succeed(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, RuntimeError("boom"))
    process_event(event)
    vendor.failures.clear()

    process_event(event)

    assert (event.state, event.attempts, event.last_error) == (State.SUCCEEDED, 2, "")


def test_delays_grow_from_ten_seconds_to_ten_minutes():
    nominal = [10, 30, 120, 300, 600, 600, 600]

    for attempts, seconds in enumerate(nominal):
        assert (
            0.8 * seconds <= jobs.STANDARD_BACKOFF.delay(attempts).total_seconds() <= 1.2 * seconds
        )


def test_event_fails_three_days_after_its_first_attempt(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, RuntimeError("boom"))
    process_event(event)
    jobs_before = len(list_waiting_jobs())
    InboundEvent.objects.update(first_attempt_at=timezone.now() - timedelta(days=3, seconds=1))

    process_event(event)

    assert (event.state, event.next_attempt_at) == (State.FAILED, None)
    assert event.last_error == "RuntimeError: boom"
    assert len(list_waiting_jobs()) == jobs_before


def test_three_days_start_with_the_first_attempt(vendor):
    event = vendor.send_event()
    set_failure(vendor, event, RuntimeError("boom"))
    InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=9))

    assert process_event(event).state == State.RETRYING


def test_failing_event_does_not_stop_others(vendor):
    failing, other = vendor.send_event(), vendor.send_event()
    set_failure(vendor, failing, RuntimeError("boom"))

    assert process_event(failing).state == State.RETRYING
    assert process_event(other).state == State.SUCCEEDED


def test_killed_attempt_is_repeated(vendor):
    event = vendor.send_event()
    InboundEvent.objects.update(state=State.PROCESSING, attempts=1)

    assert process_event(event).state == State.SUCCEEDED
    assert event.attempts == 2


def test_event_without_its_former_handler_is_ignored(vendor):
    event = vendor.send_event()
    registry._handlers.clear()

    assert process_event(event).state == State.IGNORED


def test_handler_links_an_event_to_its_organization(vendor):
    organization = InboundEvent._meta.pk.default()
    event = vendor.send_event()
    process_event(event)

    services_process.link_to_organization(vendor.received[0], organization_id=organization)

    event.refresh_from_db()
    assert (event.organization_id, event.user_id) == (organization, None)


def test_event_of_a_locked_object_is_postponed_without_an_attempt(vendor, monkeypatch):
    event = vendor.send_event(object="thing_7")
    monkeypatch.setattr(services_process, "LOCK_WAIT_SECONDS", 0.0)

    with psycopg.connect(on_database(OWNER_URL, DATABASE), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [locks.lock_number("acme:thing_7")])
        process_event(event)

    assert (event.state, event.attempts, vendor.received) == (State.PENDING, 0, [])
    assert [job["scheduled_at"] is None for job in list_waiting_jobs()] == [True, False]
