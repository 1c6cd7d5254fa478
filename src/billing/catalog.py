"""The event types billing writes."""

from events.registry import EventType, register

SUBSCRIPTION_STARTED = "subscription.started"
SUBSCRIPTION_CHANGED = "subscription.changed"
SUBSCRIPTION_ENDED = "subscription.ended"
SUBSCRIPTION_SURPLUS = "subscription.surplus_found"
CHECKOUT_STARTED = "checkout.started"
SEATS_SYNCED = "seats.synced"
SEATS_FAILED = "seats.failed"
SEATS_DRIFTED = "seats.drifted"
SEATS_MISCONFIGURED = "seats.misconfigured"
INVOICE_PAID = "invoice.paid"
INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
PROFILE_UPDATED = "billing.profile_updated"


def _subscription(name: str, target: str, description: str) -> EventType:
    return EventType(name=name, family="subscription", target=target, description=description)


register(
    _subscription(SUBSCRIPTION_STARTED, "subscription", "An agreement to a plan began."),
    _subscription(SUBSCRIPTION_CHANGED, "subscription", "Its status, plan, period or end changed."),
    _subscription(SUBSCRIPTION_ENDED, "subscription", "It ended for good."),
    _subscription(SUBSCRIPTION_SURPLUS, "subscription", "Stripe has a second live one for you."),
    _subscription(CHECKOUT_STARTED, "organization", "An admin went to the payment page."),
    _subscription(SEATS_SYNCED, "subscription", "Stripe bills another number of seats."),
    _subscription(SEATS_FAILED, "subscription", "Stripe refused a number of seats."),
    _subscription(SEATS_DRIFTED, "subscription", "Somebody edited the quantity at Stripe."),
    _subscription(SEATS_MISCONFIGURED, "subscription", "Its seat item is missing or ambiguous."),
    _subscription(INVOICE_PAID, "invoice", "An invoice was paid."),
    _subscription(INVOICE_PAYMENT_FAILED, "invoice", "A payment failed."),
    _subscription(PROFILE_UPDATED, "organization", "The billing name, address or VAT id changed."),
)
