"""The real thing: granian answers vendors, a worker process acts, and either may be killed."""

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


class Stytch:
    """Tells of organizations no one knows: its handler asks Stytch, and finds nothing to do."""

    def __init__(self, api):
        self.api = api
        self.organization = f"organization-test-{uuid4()}"
        self.event_id = f"webhook-event-test-{uuid4()}"

    def tell(self):
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
        headers = self._signature(body)
        return self.api.post("/webhooks/stytch", content=body, headers=headers).status_code

    def _signature(self, body):
        message, moment = f"msg_{uuid4().hex}", str(int(time.time()))
        key = base64.b64decode(settings.STYTCH_WEBHOOK_SECRET.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{message}.{moment}.{body}".encode(), hashlib.sha256)
        return {
            "content-type": "application/json",
            "svix-id": message,
            "svix-timestamp": moment,
            "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
        }

    def event(self):
        return InboundEvent.objects.get(source="stytch", external_id=self.event_id)

    def reaches(self, state):
        return poll(lambda: self.event().state == state and self.event(), what=f"the state {state}")


@pytest.fixture
def stytch(api):
    return Stytch(api)


def fail(sandbox, stytch, **how):
    sandbox.post("/faults", vendor="stytch", path=stytch.organization, **how)


def test_event_from_a_hundred_connections_is_handled_once(stytch, sandbox):
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda _: stytch.tell(), range(100)))

    assert statuses == [200] * 100
    assert stytch.reaches(State.SUCCEEDED).attempts == 1
    assert len(sandbox.requests("stytch", path=stytch.organization)) == 1


def test_event_is_retried_while_the_vendor_is_down(stytch, sandbox):
    fail(sandbox, stytch, status=503, times=2)

    stytch.tell()

    event = stytch.reaches(State.SUCCEEDED)
    assert (event.attempts, event.last_error) == (3, "")


def test_event_of_a_killed_worker_is_handled_again(stytch, sandbox, stack):
    fail(sandbox, stytch, timeout=15, times=1)
    stytch.tell()
    stytch.reaches(State.PROCESSING)

    stack.kill_worker()
    sandbox.delete("/faults")
    stack.start_worker()
    # What the clock does five minutes later.
    InboundEvent.objects.filter(pk=stytch.event().pk).update(
        next_attempt_at=timezone.now() - timedelta(minutes=3)
    )
    maintenance.rescue_overdue()

    assert stytch.reaches(State.SUCCEEDED).attempts == 2


def test_event_received_without_a_worker_is_handled_later(stytch, stack):
    stack.worker.stop()
    assert stytch.tell() == 200
    assert stytch.event().state == State.PENDING

    stack.start_worker()

    assert stytch.reaches(State.SUCCEEDED)


def test_replayed_event_is_handled_again(stytch, sandbox):
    stytch.tell()
    stytch.reaches(State.SUCCEEDED)

    replay.replay_events(InboundEvent.objects.filter(external_id=stytch.event_id))

    stytch.reaches(State.SUCCEEDED)
    assert len(sandbox.requests("stytch", path=stytch.organization)) == 2
