"""Staff see the inbound log, change nothing in it, and may have events processed again."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.webhooks.support import waiting_jobs
from webhooks.inbound.models import InboundEvent, State

LIST = "/admin/inbound/inboundevent/"


def page(event):
    return reverse("admin:inbound_inboundevent_change", args=[event.pk])


@pytest.fixture
def staff(admin_user, client):
    client.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_list_shows_and_filters_events(acme, staff):
    acme.send(object="thing_1")
    acme.send(object="thing_2", type="thing.painted")

    ignored = staff.get(LIST, {"state__exact": "ignored"}).content.decode()

    assert "thing_2" in ignored
    assert "thing_1" not in ignored


def test_event_is_found_by_its_external_id(acme, staff):
    acme.send(id="evt_wanted", object="thing_wanted")
    acme.send(object="thing_other")

    found = staff.get(LIST, {"q": "evt_wanted"}).content.decode()

    assert "thing_wanted" in found
    assert "thing_other" not in found


def test_payload_is_shown_as_text(acme, staff):
    event = acme.send(colour="<script>")

    shown = staff.get(page(event)).content.decode()

    assert "&lt;script&gt;" in shown
    assert "<script>&quot;" not in shown


def test_deleted_payload_is_explained(acme, staff):
    event = acme.send()
    InboundEvent.objects.update(payload="")

    assert "forgotten after 90 days" in staff.get(page(event)).content.decode()


def test_staff_replay_events(acme, staff):
    event = acme.send()
    InboundEvent.objects.update(state=State.FAILED)

    staff.post(LIST, {"action": "replay", "_selected_action": [str(event.pk)]})

    event.refresh_from_db()
    assert event.state == State.PENDING
    assert len(waiting_jobs()) == 2


def test_events_cannot_be_added_changed_or_deleted(acme, staff):
    event = acme.send()

    answers = [
        staff.get(f"{LIST}add/"),
        staff.post(page(event), {"state": "succeeded"}),
        staff.post(page(event).replace("change", "delete"), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert InboundEvent.objects.get().state == State.PENDING


def test_list_requires_staff(acme):
    assert Client().get(LIST).status_code == 302
