"""Verify and read Stripe's webhooks.

The object is fetched again before it is stored.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from webhooks.inbound import registry
from webhooks.inbound.registry import BadSignature, EventHeader

SOURCE: Final = "stripe"
LIVE_KEY_PREFIXES: Final = ("sk_live_", "rk_live_")


def verify_signature(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raise BadSignature unless Stripe signed this body just now.

    The header is `t=<seconds>,v1=<hex>[,v1=<hex>…]`, over `{t}.{body}`:
    https://docs.stripe.com/webhooks?verify=verify-manually
    """
    at = signed_at(body, headers.get("Stripe-Signature", ""), secret)
    if at is None:
        raise BadSignature("no signature of this secret")
    registry.refuse_stale(at)


def parse_event(body: bytes) -> EventHeader:
    """Return ids, type and time.

    The object's content is fetched.
    """
    event = json.loads(body)
    thing = event["data"]["object"]
    return EventHeader(
        external_id=event["id"],
        type=event["type"],
        object_key=_object_key(event["type"], thing),
        livemode=bool(event["livemode"]),
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        organization_hint=(thing.get("metadata") or {}).get("organization_id"),
    )


def _object_key(type_: str, thing: Mapping[str, Any]) -> str:
    """Return the id of the object to fetch.

    A tax id is read with its customer.

    Some objects have no id (an upcoming invoice): no one handles those, but refusing them would
    have Stripe deliver again for days, and close the endpoint at last.
    """
    name = "customer" if type_.startswith("customer.tax_id.") else "id"
    return str(thing.get(name) or "")


def signed_at(body: bytes, header: str, secret: str) -> int | None:
    """Return when the body was signed with `secret`, in seconds, or None.

    Several `v1` are there while a secret is being rotated; one that fits is enough.
    """
    parts = [part.partition("=") for part in header.split(",")]
    moments = [value for name, _, value in parts if name == "t"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit()) or not secret:
        return None
    payload = moments[0].encode() + b"." + body
    wanted = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest().encode()
    given = [value.encode() for name, _, value in parts if name == "v1"]
    matches = [hmac.compare_digest(wanted, value) for value in given]
    return int(moments[0][:16]) if any(matches) else None


registry.register_source(
    registry.Source(
        name=SOURCE,
        secret=lambda: settings.STRIPE_WEBHOOK_SECRET,
        verify=verify_signature,
        read=parse_event,
        livemode=lambda: settings.STRIPE_SECRET_KEY.startswith(LIVE_KEY_PREFIXES),
    )
)
