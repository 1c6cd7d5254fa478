"""The event types billing writes."""

from events.registry import EventType, register_types


def _register_type(name: str, target: str, description: str) -> EventType:
    return register_types(EventType(name, "subscription", description, target))


SUBSCRIPTION_STARTED = _register_type(
    "subscription.started", "subscription", "An agreement to a plan began."
)
SUBSCRIPTION_CHANGED = _register_type(
    "subscription.changed", "subscription", "Its status, plan, period or end changed."
)
SUBSCRIPTION_ENDED = _register_type("subscription.ended", "subscription", "It ended for good.")
SUBSCRIPTION_SURPLUS = _register_type(
    "subscription.surplus_found",
    "subscription",
    "The payment provider has a second live one for you.",
)
CHECKOUT_STARTED = _register_type(
    "checkout.started", "organization", "An admin went to the payment page."
)
SEATS_SYNCED = _register_type(
    "seats.synced", "subscription", "The payment provider bills another number of seats."
)
SEATS_FAILED = _register_type(
    "seats.failed", "subscription", "The payment provider refused a number of seats."
)
SEATS_DRIFTED = _register_type(
    "seats.drifted", "subscription", "The quantity was edited at the payment provider."
)
SEATS_MISCONFIGURED = _register_type(
    "seats.misconfigured", "subscription", "Its seat item is missing or ambiguous."
)
SEATS_MINIMUM_CHANGED = _register_type(
    "seats.minimum_changed", "subscription", "The smallest number of seats billed changed."
)
INVOICE_PAID = _register_type("invoice.paid", "invoice", "An invoice was paid.")
INVOICE_PAYMENT_FAILED = _register_type("invoice.payment_failed", "invoice", "A payment failed.")
INVOICE_CREDITED = _register_type(
    "invoice.credited", "invoice", "A credit note took an amount off it, or gave it back."
)
INVOICE_VOIDED = _register_type("invoice.voided", "invoice", "An invoice is not to be paid.")
PROFILE_UPDATED = _register_type(
    "billing.profile_updated", "organization", "The billing name, address or VAT id changed."
)
