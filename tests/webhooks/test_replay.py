"""Replay events by function and by command."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.webhooks.support import list_waiting_jobs
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.services import process
from webhooks.inbound.services import replay as services_replay


def replay(capsys, *arguments):
    call_command("replay_inbound", *arguments)
    return int(capsys.readouterr().out.split()[0])


def test_replay_of_a_succeeded_event_runs_its_handler_again(vendor):
    event = vendor.send_event()
    process.process_event(event_id=event.pk)

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert len(vendor.received) == 2
    assert (event.state, event.attempts) == (State.SUCCEEDED, 1)


def test_replay_of_a_failed_event_starts_three_new_days(vendor):
    event = vendor.send_event()
    vendor.failures[event.external_id] = RuntimeError("boom")
    InboundEvent.objects.update(
        state=State.FAILED, attempts=400, first_attempt_at=timezone.now() - timedelta(days=4)
    )

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert (event.state, event.attempts) == (State.RETRYING, 1)


def test_replay_during_an_attempt_is_not_lost(vendor):
    event = vendor.send_event()
    handle = vendor.handle

    def replay_meanwhile(received):
        handle(received)
        if len(vendor.received) == 1:
            services_replay.replay_events(InboundEvent.objects.all())

    vendor.replace_handler(replay_meanwhile)
    process.process_event(event_id=event.pk)
    event.refresh_from_db()
    assert event.state == State.PENDING

    process.process_event(event_id=event.pk)
    event.refresh_from_db()
    assert (event.state, len(vendor.received)) == (State.SUCCEEDED, 2)


def test_replay_ignores_an_event_of_the_other_mode(vendor):
    event = vendor.send_event(livemode=True)

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert event.state == State.IGNORED
    assert vendor.received == []


def test_event_with_a_deleted_payload_is_not_replayed(vendor):
    vendor.send_event()
    InboundEvent.objects.update(state=State.SUCCEEDED, payload="")

    assert services_replay.replay_events(InboundEvent.objects.all()) == 0


def test_command_replays_one_event_by_either_id(vendor, capsys):
    event, _other = vendor.send_event(), vendor.send_event()

    assert replay(capsys, f"--id={event.pk}") == 1
    assert replay(capsys, f"--external-id={event.external_id}") == 1


def test_command_replays_a_type_of_a_source(vendor, capsys):
    vendor.send_event()
    vendor.send_event(type="thing.deleted")

    assert replay(capsys, "--source=acme", "--type=thing.deleted") == 1
    assert replay(capsys, "--source=stripe") == 0


def test_command_replays_a_period(vendor, capsys):
    old, _new = vendor.send_event(), vendor.send_event()
    InboundEvent.objects.filter(pk=old.pk).update(received_at="2026-01-02T00:00:00Z")

    assert replay(capsys, "--since=2026-01-01T00:00:00Z", "--until=2026-02-01 00:00") == 1


def test_command_replays_failed_events(vendor, capsys):
    failed, _other = vendor.send_event(), vendor.send_event()
    InboundEvent.objects.filter(pk=failed.pk).update(state=State.FAILED)

    assert replay(capsys, "--failed") == 1


def test_dry_run_only_counts(vendor, capsys):
    vendor.send_event()
    before = list_waiting_jobs()

    assert replay(capsys, "--source=acme", "--dry-run") == 1
    assert list_waiting_jobs() == before


def test_command_requires_a_selection(vendor):
    with pytest.raises(CommandError, match="Say which"):
        call_command("replay_inbound")


@pytest.mark.parametrize("argument", ["--since=yesterday", "--since=2026-13-01 00:00", "--id=7"])
def test_command_refuses_invalid_arguments(vendor, argument):
    with pytest.raises(CommandError):
        call_command("replay_inbound", argument)
