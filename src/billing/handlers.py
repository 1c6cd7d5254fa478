"""Handle inbound events of the payment provider: fetch the object again, whatever the event said."""

import billing.providers.stripe.webhooks  # noqa: F401 - registers the source
from billing.customers import customers
from billing.invoices import invoices
from billing.subscriptions import checkout, subscriptions
from webhooks.inbound.registry import Ignored, Received, handles
from webhooks.inbound.services import process

SOURCE = "stripe"


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
    process.concerns(received, organization_id=row.organization_id)


@handles(SOURCE, "checkout.session.completed", "checkout.session.async_payment_succeeded")
def complete_checkout(received: Received) -> None:
    """A payment page was paid: fetch the subscription it made, and count again."""
    row = checkout.complete(received.object_key)
    if row is None:
        raise Ignored("a checkout of nobody here")
    process.concerns(received, organization_id=row.organization_id)


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
    process.concerns(received, organization_id=row.organization_id)


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
    process.concerns(received, organization_id=row.organization_id)
