"""The event types billing writes."""

from events.registry import EventType, register


def _type(name: str, target: str, description: str) -> EventType:
    return register(EventType(name, "subscription", description, target))


SUBSCRIPTION_STARTED = _type(
    "subscription.started", "subscription", "An agreement to a plan began."
)
SUBSCRIPTION_CHANGED = _type(
    "subscription.changed", "subscription", "Its status, plan, period or end changed."
)
SUBSCRIPTION_ENDED = _type("subscription.ended", "subscription", "It ended for good.")
SUBSCRIPTION_SURPLUS = _type(
    "subscription.surplus_found", "subscription", "Stripe has a second live one for you."
)
CHECKOUT_STARTED = _type("checkout.started", "organization", "An admin went to the payment page.")
SEATS_SYNCED = _type("seats.synced", "subscription", "Stripe bills another number of seats.")
SEATS_FAILED = _type("seats.failed", "subscription", "Stripe refused a number of seats.")
SEATS_DRIFTED = _type("seats.drifted", "subscription", "Somebody edited the quantity at Stripe.")
SEATS_MISCONFIGURED = _type(
    "seats.misconfigured", "subscription", "Its seat item is missing or ambiguous."
)
INVOICE_PAID = _type("invoice.paid", "invoice", "An invoice was paid.")
INVOICE_PAYMENT_FAILED = _type("invoice.payment_failed", "invoice", "A payment failed.")
PROFILE_UPDATED = _type(
    "billing.profile_updated", "organization", "The billing name, address or VAT id changed."
)
