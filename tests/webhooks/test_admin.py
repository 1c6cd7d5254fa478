"""Check that staff read inbound events and replay them, and change nothing."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.browsers import open_staff_browser
from tests.webhooks.support import list_waiting_jobs
from webhooks.inbound.models import InboundEvent, State

LIST = "/admin/inbound/inboundevent/"


def build_url(event):
    return reverse("admin:inbound_inboundevent_change", args=[event.pk])


@pytest.fixture
def staff_client(admin_user):
    return open_staff_browser(admin_user)


def test_list_shows_and_filters_events(vendor, staff_client):
    vendor.send_event(object="thing_1")
    vendor.send_event(object="thing_2", type="thing.painted")

    ignored = staff_client.get(LIST, {"state__exact": "ignored"}).content.decode()

    assert "thing_2" in ignored
    assert "thing_1" not in ignored


def test_event_is_found_by_its_external_id(vendor, staff_client):
    vendor.send_event(id="evt_wanted", object="thing_wanted")
    vendor.send_event(object="thing_other")

    found = staff_client.get(LIST, {"q": "evt_wanted"}).content.decode()

    assert "thing_wanted" in found
    assert "thing_other" not in found


def test_payload_is_shown_as_text(vendor, staff_client):
    event = vendor.send_event(colour="<script>")

    shown = staff_client.get(build_url(event)).content.decode()

    assert "&lt;script&gt;" in shown
    assert "<script>&quot;" not in shown


def test_deleted_payload_is_explained(vendor, staff_client):
    event = vendor.send_event()
    InboundEvent.objects.update(payload="")

    assert "forgotten after 90 days" in staff_client.get(build_url(event)).content.decode()


def test_staff_replay_events(vendor, staff_client):
    event = vendor.send_event()
    InboundEvent.objects.update(state=State.FAILED)

    staff_client.post(LIST, {"action": "replay", "_selected_action": [str(event.pk)]})

    event.refresh_from_db()
    assert event.state == State.PENDING
    assert len(list_waiting_jobs()) == 2


def test_events_cannot_be_added_changed_or_deleted(vendor, staff_client):
    event = vendor.send_event()

    answers = [
        staff_client.get(f"{LIST}add/"),
        staff_client.post(build_url(event), {"state": "succeeded"}),
        staff_client.post(build_url(event).replace("change", "delete"), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert InboundEvent.objects.get().state == State.PENDING


def test_list_requires_staff(vendor):
    assert Client().get(LIST).status_code == 302
