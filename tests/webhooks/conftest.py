"""A vendor of our own: it signs with a plain digest, and its handlers do what its events ask."""

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

SECRET = "a secret only acme and we know"


def signature(body, timestamp, secret=SECRET):
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def verify(body, headers, secret):
    timestamp = int(headers.get("Acme-Timestamp", "0"))
    registry.refuse_stale(timestamp)
    if not hmac.compare_digest(
        signature(body, timestamp, secret), headers.get("Acme-Signature", "")
    ):
        raise BadSignature("digest")


def read(body):
    event = json.loads(body)
    return EventHeader(
        external_id=event["id"],
        type=event["type"],
        object_key=event["object"],
        livemode=event.get("livemode", False),
        occurred_at=datetime.fromtimestamp(event["at"], UTC),
        organization_hint=event.get("organization"),
    )


class Acme:
    """The vendor, registered as a source for one test."""

    def __init__(self):
        self.secret = SECRET
        self.heard = []
        self.will = {}

    def event(self, **members):
        number = len(InboundEvent.objects.all()) + 1
        known = {
            "id": f"evt_{number}",
            "type": "thing.changed",
            "object": "thing_1",
            "at": 1_790_000_000,
        }
        return {**known, **members}

    def post(self, event=None, *, body=None, at=None, headers=None, media_type="application/json"):
        body = json.dumps(event).encode() if body is None else body
        timestamp = int(time.time()) if at is None else at
        signed = {"Acme-Timestamp": str(timestamp), "Acme-Signature": signature(body, timestamp)}
        return Client(enforce_csrf_checks=True).post(
            "/webhooks/acme", body, content_type=media_type, headers=signed | (headers or {})
        )

    def send(self, **members):
        """Post an event and return its row."""
        event = self.event(**members)
        assert self.post(event).status_code == 200
        return InboundEvent.objects.get(source="acme", external_id=event["id"])

    def replace_handler(self, handler):
        registry._handlers["acme", "thing.changed"] = handler

    def hear(self, received):
        self.heard.append(received)
        if outcome := self.will.get(received.payload["id"]):
            raise outcome


@pytest.fixture
def acme(monkeypatch, db):
    monkeypatch.setattr(registry, "_sources", {})
    monkeypatch.setattr(registry, "_handlers", {})
    InboundEvent.objects.all().delete()  # until the rollback: what live tests have left
    vendor = Acme()
    registry.register_source(
        Source(
            name="acme",
            secret=lambda: vendor.secret,
            verify=verify,
            read=read,
            livemode=lambda: False,
        )
    )
    registry.handles_events("acme", "thing.changed", "thing.deleted")(vendor.hear)
    return vendor
