"""Handle inbound events of the payment provider by fetching the object again."""

import billing.providers.stripe.webhooks  # noqa: F401 - registers the source
from billing.customers import customers
from billing.invoices import invoices
from billing.subscriptions import checkout, subscriptions
from webhooks.inbound.registry import Ignored, ReceivedEvent, handles_events
from webhooks.inbound.services import process

SOURCE = "stripe"


@handles_events(
    SOURCE,
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.pending_update_applied",
    "customer.subscription.pending_update_expired",
)
def follow_subscription(received: ReceivedEvent) -> None:
    """Fetch and store a subscription, in any order of its events."""
    row = subscriptions.pull_subscription(received.object_key)
    if row is None:
        raise Ignored("subscription of no organization here")
    process.link_to_organization(received, organization_id=row.organization_id)


@handles_events(SOURCE, "checkout.session.completed", "checkout.session.async_payment_succeeded")
def complete_checkout(received: ReceivedEvent) -> None:
    """Fetch the subscription of a paid page, and count its seats again."""
    row = checkout.complete_checkout(received.object_key)
    if row is None:
        raise Ignored("checkout of no organization here")
    process.link_to_organization(received, organization_id=row.organization_id)


@handles_events(
    SOURCE,
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.updated",
    "invoice.voided",
    "invoice.marked_uncollectible",
)
def follow_invoice(received: ReceivedEvent) -> None:
    """Fetch and store an invoice, and the status of its subscription."""
    row = invoices.pull_invoice(received.object_key)
    if row is None:
        raise Ignored("invoice of no organization here")
    process.link_to_organization(received, organization_id=row.organization_id)


@handles_events(
    SOURCE,
    "customer.updated",
    "customer.deleted",
    "customer.tax_id.created",
    "customer.tax_id.updated",
    "customer.tax_id.deleted",
)
def follow_customer(received: ReceivedEvent) -> None:
    """Fetch and store a profile that was edited at the provider."""
    row = customers.pull_customer(received.object_key)
    if row is None:
        raise Ignored("customer of no organization here")
    process.link_to_organization(received, organization_id=row.organization_id)
