"""Build, keep, sign and send events, which hold full snapshots of their objects."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime

from sandbox.deliveries import Sign
from sandbox.store import Document
from sandbox.stripe.protocol.documents import build_object_id, copy_document, find_previous_values
from sandbox.stripe.protocol.schemas import API_VERSION
from sandbox.world import World

KIND = "stripe.event"
MAX_EVENTS = 3000


@dataclass(frozen=True)
class Cause:
    """Identify the request that caused a change.

    Both fields are None for changes by the dashboard or by the clock.
    """

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class ObjectChange:
    """Hold one change of one object within a request."""

    type: str
    object: Document
    before: Document | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return what identifies a change, so that two updates of one object become one event."""
        return (self.type, str(self.object.get("id")))


def merge_change(facts: list[ObjectChange], fact: ObjectChange) -> None:
    """Add a fact, or merge an update into the earlier creation or update of its object."""
    if fact.type.endswith(".updated"):
        created = (fact.type.removesuffix("updated") + "created", fact.key[1])
        for earlier in facts:
            if earlier.key in (fact.key, created):
                earlier.object = fact.object
                return
    facts.append(fact)


def build_event_document(fact: ObjectChange, *, cause: Cause, now: int) -> Document:
    """Return the event of a fact."""
    data: Document = {"object": copy_document(fact.object)}
    if fact.before is not None:
        data["previous_attributes"] = find_previous_values(fact.before, fact.object)
    return {
        "id": build_object_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": fact.type,
    }


def publish_event(world: World, event: Document) -> None:
    """Store an event and queue it for the product."""
    world.store.put_document(KIND, event["id"], event)
    if world.store.count_documents(KIND) > MAX_EVENTS:
        for old in world.store.list_documents(KIND)[: MAX_EVENTS // 3]:
            world.store.delete_document(KIND, old["id"])
    world.deliveries.send(
        vendor="stripe",
        event_id=event["id"],
        type=event["type"],
        body=json.dumps(event, indent=2).encode(),
        sign=build_stripe_signer(world.settings.stripe_webhook_secret),
    )


def build_stripe_signer(secret: str) -> Sign:
    """Return a function that signs a body with the secret.

    The signature covers the time of sending and the raw body: https://docs.stripe.com/webhooks/signature
    """

    def sign(body: bytes, at: datetime) -> dict[str, str]:
        moment = int(at.timestamp())
        digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
        return {"Stripe-Signature": f"t={moment},v1={digest.hexdigest()}"}

    return sign
