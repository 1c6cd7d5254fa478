"""Processing events again: by hand, by command, from the admin."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.webhooks.support import waiting_jobs
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.services import process
from webhooks.inbound.services import replay as services_replay


def replay(capsys, *arguments):
    call_command("replay_inbound", *arguments)
    return int(capsys.readouterr().out.split()[0])


def test_replay_of_a_succeeded_event_runs_its_handler_again(acme):
    event = acme.send()
    process.process_event(event_id=event.pk)

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert len(acme.heard) == 2
    assert (event.state, event.attempts) == (State.SUCCEEDED, 1)


def test_replay_of_a_failed_event_starts_three_new_days(acme):
    event = acme.send()
    acme.will[event.external_id] = RuntimeError("boom")
    InboundEvent.objects.update(
        state=State.FAILED, attempts=400, first_attempt_at=timezone.now() - timedelta(days=4)
    )

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert (event.state, event.attempts) == (State.RETRYING, 1)


def test_replay_during_an_attempt_is_not_lost(acme):
    event = acme.send()
    hear = acme.hear

    def replay_meanwhile(received):
        hear(received)
        if len(acme.heard) == 1:
            services_replay.replay_events(InboundEvent.objects.all())

    acme.replace_handler(replay_meanwhile)
    process.process_event(event_id=event.pk)
    event.refresh_from_db()
    assert event.state == State.PENDING

    process.process_event(event_id=event.pk)
    event.refresh_from_db()
    assert (event.state, len(acme.heard)) == (State.SUCCEEDED, 2)


def test_replay_ignores_an_event_of_the_other_mode(acme):
    event = acme.send(livemode=True)

    services_replay.replay_events(InboundEvent.objects.all())
    process.process_event(event_id=event.pk)

    event.refresh_from_db()
    assert event.state == State.IGNORED
    assert acme.heard == []


def test_event_with_a_deleted_payload_is_not_replayed(acme):
    acme.send()
    InboundEvent.objects.update(state=State.SUCCEEDED, payload="")

    assert services_replay.replay_events(InboundEvent.objects.all()) == 0


def test_command_replays_one_event_by_either_id(acme, capsys):
    event, _other = acme.send(), acme.send()

    assert replay(capsys, f"--id={event.pk}") == 1
    assert replay(capsys, f"--external-id={event.external_id}") == 1


def test_command_replays_a_type_of_a_source(acme, capsys):
    acme.send()
    acme.send(type="thing.deleted")

    assert replay(capsys, "--source=acme", "--type=thing.deleted") == 1
    assert replay(capsys, "--source=stripe") == 0


def test_command_replays_a_period(acme, capsys):
    old, _new = acme.send(), acme.send()
    InboundEvent.objects.filter(pk=old.pk).update(received_at="2026-01-02T00:00:00Z")

    assert replay(capsys, "--since=2026-01-01T00:00:00Z", "--until=2026-02-01 00:00") == 1


def test_command_replays_failed_events(acme, capsys):
    failed, _other = acme.send(), acme.send()
    InboundEvent.objects.filter(pk=failed.pk).update(state=State.FAILED)

    assert replay(capsys, "--failed") == 1


def test_dry_run_only_counts(acme, capsys):
    acme.send()
    before = waiting_jobs()

    assert replay(capsys, "--source=acme", "--dry-run") == 1
    assert waiting_jobs() == before


def test_command_requires_a_selection(acme):
    with pytest.raises(CommandError, match="Say which"):
        call_command("replay_inbound")


@pytest.mark.parametrize("argument", ["--since=yesterday", "--since=2026-13-01 00:00", "--id=7"])
def test_command_refuses_invalid_arguments(acme, argument):
    with pytest.raises(CommandError):
        call_command("replay_inbound", argument)
