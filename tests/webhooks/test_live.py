"""Receive events in the web server and handle them in the worker process, which may be killed."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from tests.harness.stack import poll
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.services import maintenance, replay

pytestmark = pytest.mark.usefixtures("committed")


class StytchVendor:
    """Send events of an unknown organization; their handler asks Stytch and changes nothing."""

    def __init__(self, api):
        self.api = api
        self.organization = f"organization-test-{uuid4()}"
        self.event_id = f"webhook-event-test-{uuid4()}"

    def send_event(self):
        body = json.dumps(
            {
                "action": "UPDATE",
                "event_id": self.event_id,
                "id": self.organization,
                "object_type": "organization",
                "project_id": settings.STYTCH_PROJECT_ID,
                "source": "DASHBOARD",
                "timestamp": datetime.now(UTC).isoformat(),
            }
        )
        headers = self._sign(body)
        return self.api.post("/webhooks/stytch", content=body, headers=headers).status_code

    def _sign(self, body):
        message, moment = f"msg_{uuid4().hex}", str(int(time.time()))
        key = base64.b64decode(settings.STYTCH_WEBHOOK_SECRET.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{message}.{moment}.{body}".encode(), hashlib.sha256)
        return {
            "content-type": "application/json",
            "svix-id": message,
            "svix-timestamp": moment,
            "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
        }

    def get_event(self):
        return InboundEvent.objects.get(source="stytch", external_id=self.event_id)

    def wait_for_state(self, state):
        return poll(
            lambda: self.get_event().state == state and self.get_event(), what=f"the state {state}"
        )


@pytest.fixture
def stytch_vendor(api):
    """Return a sender of events that Stytch signed."""
    return StytchVendor(api)


def add_fault(sandbox, stytch_vendor, **how):
    sandbox.post("/faults", vendor="stytch", path=stytch_vendor.organization, **how)


@pytest.mark.parametrize("number", [10, pytest.param(100, marks=pytest.mark.soak)])
def test_event_from_many_connections_is_handled_once(stytch_vendor, sandbox, number):
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda _: stytch_vendor.send_event(), range(number)))

    assert statuses == [200] * number
    assert stytch_vendor.wait_for_state(State.SUCCEEDED).attempts == 1
    assert len(sandbox.requests("stytch", path=stytch_vendor.organization)) == 1


def test_event_is_retried_while_the_vendor_is_down(stytch_vendor, sandbox):
    add_fault(sandbox, stytch_vendor, status=503, times=2)

    stytch_vendor.send_event()

    event = stytch_vendor.wait_for_state(State.SUCCEEDED)
    assert (event.attempts, event.last_error) == (3, "")


def test_event_of_a_killed_worker_is_handled_again(stytch_vendor, sandbox, stack):
    add_fault(sandbox, stytch_vendor, timeout=15, times=1)
    stytch_vendor.send_event()
    stytch_vendor.wait_for_state(State.PROCESSING)

    stack.kill_worker()
    sandbox.delete("/faults")
    stack.start_worker()
    # As the periodic task does five minutes later.
    InboundEvent.objects.filter(pk=stytch_vendor.get_event().pk).update(
        next_attempt_at=timezone.now() - timedelta(minutes=3)
    )
    maintenance.rescue_overdue()

    assert stytch_vendor.wait_for_state(State.SUCCEEDED).attempts == 2


def test_event_received_without_a_worker_is_handled_later(stytch_vendor, stack):
    stack.worker.stop()
    assert stytch_vendor.send_event() == 200
    assert stytch_vendor.get_event().state == State.PENDING

    stack.start_worker()

    assert stytch_vendor.wait_for_state(State.SUCCEEDED)


def test_replayed_event_is_handled_again(stytch_vendor, sandbox):
    stytch_vendor.send_event()
    stytch_vendor.wait_for_state(State.SUCCEEDED)

    replay.replay_events(InboundEvent.objects.filter(external_id=stytch_vendor.event_id))

    stytch_vendor.wait_for_state(State.SUCCEEDED)
    assert len(sandbox.requests("stytch", path=stytch_vendor.organization)) == 2
