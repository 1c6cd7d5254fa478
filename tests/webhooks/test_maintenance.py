"""Rescue lost jobs, delete old payloads, check the sources, and count open events."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.utils import timezone

from tests.webhooks.support import list_waiting_jobs
from webhooks.inbound import registry
from webhooks.inbound.metrics import OpenEvents
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.registry import AlreadyRegistered
from webhooks.inbound.services import maintenance


@pytest.mark.parametrize("state", [State.PENDING, State.PROCESSING, State.RETRYING])
def test_event_with_a_lost_job_gets_another(vendor, state):
    event = vendor.send_event()
    InboundEvent.objects.update(state=state, next_attempt_at=timezone.now() - timedelta(minutes=3))

    assert maintenance.rescue_overdue() == 1

    assert [job["args"]["event_id"] for job in list_waiting_jobs()] == [str(event.pk)] * 2


def test_event_is_not_rescued_twice_in_a_row(vendor):
    vendor.send_event()
    InboundEvent.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=3))

    assert [maintenance.rescue_overdue(), maintenance.rescue_overdue()] == [1, 0]


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.IGNORED, State.FAILED])
def test_settled_event_is_not_rescued(vendor, state):
    vendor.send_event()
    InboundEvent.objects.update(state=state, next_attempt_at=timezone.now() - timedelta(days=1))

    assert maintenance.rescue_overdue() == 0


def test_event_waiting_for_a_retry_is_not_rescued(vendor):
    vendor.send_event()
    InboundEvent.objects.update(
        state=State.RETRYING, next_attempt_at=timezone.now() + timedelta(minutes=9)
    )

    assert maintenance.rescue_overdue() == 0


def set_age(event, days, state=State.SUCCEEDED):
    received = timezone.now() - timedelta(days=days)
    InboundEvent.objects.filter(pk=event.pk).update(received_at=received, state=state)


def test_payload_is_deleted_after_ninety_days_and_the_id_is_kept(vendor):
    old, young = vendor.send_event(id="old"), vendor.send_event(id="young")
    set_age(old, 91)
    set_age(young, 89)

    maintenance.delete_expired()

    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.payload, bool(young.payload)) == ("", True)
    assert vendor.post_body(vendor.build_event(id="old")).status_code == 200
    assert InboundEvent.objects.count() == 2


def test_row_is_removed_after_four_hundred_days(vendor):
    set_age(vendor.send_event(), 401)

    maintenance.delete_expired()

    assert not InboundEvent.objects.exists()


def test_unsettled_event_is_never_deleted(vendor):
    set_age(vendor.send_event(), 500, State.RETRYING)

    maintenance.delete_expired()

    assert InboundEvent.objects.get().payload


def test_check_names_a_source_without_a_secret(vendor):
    vendor.secret = ""

    warnings = {message.id: message for message in run_checks()}

    assert "/webhooks/acme is closed" in warnings["inbound.W001"].msg
    assert warnings["inbound.W001"].hint == "Set ACME_WEBHOOK_SECRET."


def test_check_names_a_source_without_a_mode(vendor):
    registry._sources["acme"] = replace(registry.find_source("acme"), livemode=None)

    assert "inbound.W002" in {message.id for message in run_checks()}


def test_two_handlers_of_one_type_are_refused(vendor):
    with pytest.raises(AlreadyRegistered, match=r"acme thing\.changed"):
        registry.handles_events("acme", "thing.new", "thing.changed")(vendor.handle)


def test_two_sources_of_one_name_are_refused(vendor):
    with pytest.raises(AlreadyRegistered, match="acme"):
        registry.register_source(registry.find_source("acme"))


def test_handled_types_are_listed(vendor):
    assert registry.handled_types("acme") == ["thing.changed", "thing.deleted"]


def test_failed_events_are_counted_in_a_metric(vendor):
    vendor.send_event()
    InboundEvent.objects.filter(pk=vendor.send_event().pk).update(state=State.FAILED)
    InboundEvent.objects.filter(pk=vendor.send_event().pk).update(state=State.SUCCEEDED)

    (gauge,) = OpenEvents().collect()

    counted = {sample.labels["state"]: sample.value for sample in gauge.samples}
    assert counted == {"failed": 1, "pending": 1}


@pytest.mark.parametrize("several_processes", [False, True])
def test_open_events_are_in_the_metrics(vendor, settings, tmp_path, several_processes):
    settings.METRICS_TOKEN = "right"
    settings.METRICS_DIRECTORY = str(tmp_path) if several_processes else ""
    vendor.send_event()

    scraped = Client().get("/metrics", headers={"Authorization": "Bearer right"}).content.decode()

    assert 'inbound_events_open{source="acme",state="pending"} 1.0' in scraped
