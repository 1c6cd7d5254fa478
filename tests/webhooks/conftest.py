"""Provide an example vendor, which signs its events with a plain digest."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime

import pytest
from django.test import Client

from webhooks.inbound import registry
from webhooks.inbound.models import InboundEvent
from webhooks.inbound.registry import BadSignature, EventHeader, Source

SECRET = "the webhook secret of acme"


def compute_signature(body, timestamp, secret=SECRET):
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def verify_signature(body, headers, secret):
    timestamp = int(headers.get("Acme-Timestamp", "0"))
    registry.refuse_stale(timestamp)
    if not hmac.compare_digest(
        compute_signature(body, timestamp, secret), headers.get("Acme-Signature", "")
    ):
        raise BadSignature("digest")


def parse_event(body):
    event = json.loads(body)
    return EventHeader(
        external_id=event["id"],
        type=event["type"],
        object_key=event["object"],
        livemode=event.get("livemode", False),
        occurred_at=datetime.fromtimestamp(event["at"], UTC),
        organization_hint=event.get("organization"),
    )


class ExampleVendor:
    """Send events of the source `acme`, and handle them as a test decides."""

    def __init__(self):
        self.secret = SECRET
        self.received = []
        self.failures = {}

    def build_event(self, **members):
        number = len(InboundEvent.objects.all()) + 1
        defaults = {
            "id": f"evt_{number}",
            "type": "thing.changed",
            "object": "thing_1",
            "at": 1_790_000_000,
        }
        return {**defaults, **members}

    def post_body(
        self, event=None, *, body=None, at=None, headers=None, media_type="application/json"
    ):
        body = json.dumps(event).encode() if body is None else body
        timestamp = int(time.time()) if at is None else at
        signed = {
            "Acme-Timestamp": str(timestamp),
            "Acme-Signature": compute_signature(body, timestamp),
        }
        return Client(enforce_csrf_checks=True).post(
            "/webhooks/acme", body, content_type=media_type, headers=signed | (headers or {})
        )

    def send_event(self, **members):
        """Post an event and return its row."""
        event = self.build_event(**members)
        assert self.post_body(event).status_code == 200
        return InboundEvent.objects.get(source="acme", external_id=event["id"])

    def replace_handler(self, handler):
        registry._handlers["acme", "thing.changed"] = handler

    def handle(self, received):
        self.received.append(received)
        if outcome := self.failures.get(received.payload["id"]):
            raise outcome


@pytest.fixture
def vendor(monkeypatch, db):
    """Register the example vendor as the only source."""
    monkeypatch.setattr(registry, "_sources", {})
    monkeypatch.setattr(registry, "_handlers", {})
    InboundEvent.objects.all().delete()  # rolled back after the test: events that other tests committed
    vendor = ExampleVendor()
    registry.register_source(
        Source(
            name="acme",
            secret=lambda: vendor.secret,
            verify=verify_signature,
            read=parse_event,
            livemode=lambda: False,
        )
    )
    registry.handles_events("acme", "thing.changed", "thing.deleted")(vendor.handle)
    return vendor
