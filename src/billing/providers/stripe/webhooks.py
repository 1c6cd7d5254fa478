"""What Stripe tells us: a hint to fetch the object again, never a fact."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from billing.gateway import signature
from billing.services import checkout, customers, invoices, subscriptions
from webhooks.inbound import registry
from webhooks.inbound.registry import BadSignature, Hint, Ignored, Received, handles
from webhooks.inbound.services import processing

SOURCE: Final = "stripe"
LIVE: Final = ("sk_live_", "rk_live_")


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raise BadSignature unless Stripe signed this body just now."""
    signed_at = signature.signed_at(body, headers.get("Stripe-Signature", ""), secret)
    if signed_at is None:
        raise BadSignature("no signature of this secret")
    registry.refuse_stale(signed_at)


def read(body: bytes) -> Hint:
    """Only ids, type and time; the object's own content is fetched."""
    event = json.loads(body)
    thing = event["data"]["object"]
    return Hint(
        external_id=event["id"],
        type=event["type"],
        object_key=_object_key(event["type"], thing),
        livemode=bool(event["livemode"]),
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        organization_hint=(thing.get("metadata") or {}).get("organization_id"),
    )


def _object_key(type_: str, thing: Mapping[str, Any]) -> str:
    """What the handler will fetch: a tax id is read with its customer.

    Some objects have no id (an upcoming invoice): nobody handles those, but refusing them would
    have Stripe deliver again for days, and close the endpoint at last.
    """
    name = "customer" if type_.startswith("customer.tax_id.") else "id"
    return str(thing.get(name) or "")


@handles(
    SOURCE,
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
)
def follow_subscription(received: Received) -> None:
    """All orders of these end alike, because each ends in what Stripe says now."""
    row = subscriptions.pull(received.object_key)
    if row is None:
        raise Ignored("a subscription of nobody here")
    processing.concerns(received, organization_id=row.organization_id)


@handles(SOURCE, "checkout.session.completed", "checkout.session.async_payment_succeeded")
def complete_checkout(received: Received) -> None:
    """A payment page was paid: fetch the subscription it made, and count again."""
    row = checkout.complete(received.object_key)
    if row is None:
        raise Ignored("a checkout of nobody here")
    processing.concerns(received, organization_id=row.organization_id)


@handles(
    SOURCE,
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "invoice.marked_uncollectible",
)
def follow_invoice(received: Received) -> None:
    """The invoice and the status it gave its subscription."""
    row = invoices.pull(received.object_key)
    if row is None:
        raise Ignored("an invoice of nobody here")
    processing.concerns(received, organization_id=row.organization_id)


@handles(
    SOURCE,
    "customer.updated",
    "customer.deleted",
    "customer.tax_id.created",
    "customer.tax_id.updated",
    "customer.tax_id.deleted",
)
def follow_customer(received: Received) -> None:
    """The profile, edited in the portal or the dashboard; nothing is pushed back."""
    row = customers.pull(received.object_key)
    if row is None:
        raise Ignored("a customer of nobody here")
    processing.concerns(received, organization_id=row.organization_id)


registry.register_source(
    registry.Source(
        name=SOURCE,
        secret=lambda: settings.STRIPE_WEBHOOK_SECRET,
        verify=verify,
        read=read,
        livemode=lambda: settings.STRIPE_SECRET_KEY.startswith(LIVE),
    )
)
