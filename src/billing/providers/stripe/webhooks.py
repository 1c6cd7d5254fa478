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

from billing.providers.stripe.errors import VENDOR
from billing.providers.types import ObjectKind
from webhooks.inbound import registry
from webhooks.inbound.registry import BadSignature, EventHeader

LIVE_KEY_PREFIXES: Final = ("sk_live_", "rk_live_")
MAX_HINT_LENGTH: Final = 255  # metadata values may have 500: https://docs.stripe.com/api/metadata

# The events that are handled, by the kind of object to fetch. All others are ignored.
EVENT_KINDS: Final = {
    "customer.subscription.created": ObjectKind.SUBSCRIPTION,
    "customer.subscription.updated": ObjectKind.SUBSCRIPTION,
    "customer.subscription.deleted": ObjectKind.SUBSCRIPTION,
    "customer.subscription.paused": ObjectKind.SUBSCRIPTION,
    "customer.subscription.resumed": ObjectKind.SUBSCRIPTION,
    "customer.subscription.pending_update_applied": ObjectKind.SUBSCRIPTION,
    "customer.subscription.pending_update_expired": ObjectKind.SUBSCRIPTION,
    "checkout.session.completed": ObjectKind.CHECKOUT,
    "checkout.session.async_payment_succeeded": ObjectKind.CHECKOUT,
    "checkout.session.expired": ObjectKind.CHECKOUT,
    "invoice.finalized": ObjectKind.INVOICE,
    "invoice.paid": ObjectKind.INVOICE,
    "invoice.payment_action_required": ObjectKind.INVOICE,
    "invoice.payment_failed": ObjectKind.INVOICE,
    "invoice.updated": ObjectKind.INVOICE,
    "invoice.voided": ObjectKind.INVOICE,
    "invoice.marked_uncollectible": ObjectKind.INVOICE,
    "credit_note.created": ObjectKind.INVOICE,
    "credit_note.voided": ObjectKind.INVOICE,
    "customer.updated": ObjectKind.CUSTOMER,
    "customer.deleted": ObjectKind.CUSTOMER,
    "customer.tax_id.created": ObjectKind.CUSTOMER,
    "customer.tax_id.updated": ObjectKind.CUSTOMER,
    "customer.tax_id.deleted": ObjectKind.CUSTOMER,
    "price.updated": ObjectKind.PRICE,
    "price.deleted": ObjectKind.PRICE,
    "product.updated": ObjectKind.PRODUCT,
    "product.deleted": ObjectKind.PRODUCT,
}


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
        organization_hint=_read_hint(thing),
    )


def _read_hint(thing: Mapping[str, Any]) -> str:
    """Return the organization in the metadata, blank unless it is a text of sensible length."""
    metadata = thing.get("metadata")
    hint = metadata.get("organization_id") if isinstance(metadata, Mapping) else None
    return hint if isinstance(hint, str) and len(hint) <= MAX_HINT_LENGTH else ""


def _object_key(type_: str, thing: Mapping[str, Any]) -> str:
    """Return the id of the object to fetch.

    A tax id is read with its customer, a credit note with its invoice.

    Some objects have no id (an upcoming invoice): no one handles those, but refusing them would
    have Stripe deliver again for days, and close the endpoint at last.
    """
    owners = {"customer.tax_id.": "customer", "credit_note.": "invoice"}
    found = (owner for prefix, owner in owners.items() if type_.startswith(prefix))
    return str(thing.get(next(found, "id")) or "")


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


SOURCE: Final = registry.Source(
    name=VENDOR,
    secret=lambda: settings.STRIPE_WEBHOOK_SECRET,
    verify=verify_signature,
    read=parse_event,
    livemode=lambda: settings.STRIPE_SECRET_KEY.startswith(LIVE_KEY_PREFIXES),
)
