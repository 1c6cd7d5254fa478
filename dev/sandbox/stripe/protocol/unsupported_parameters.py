"""Refuse parameters that Stripe supports and the sandbox would otherwise ignore."""

from sandbox.stripe.protocol.errors import StripeError

SUBSCRIPTION_PARAMETERS = frozenset(
    """add_invoice_items application_fee_percent backdate_start_date billing_cycle_anchor_config
    billing_schedules billing_thresholds customer_account default_source discounts
    on_behalf_of pending_invoice_item_interval transfer_data trial_from_plan""".split()
)
ITEM_PARAMETERS = frozenset("billing_thresholds current_trial discounts tax_rates".split())
UNSUPPORTED_PARAMETERS = {
    "subscriptions.create": SUBSCRIPTION_PARAMETERS | {"billing_cycle_anchor"},
    "subscriptions.update": SUBSCRIPTION_PARAMETERS,
    "subscription_items.create": ITEM_PARAMETERS,
    "subscription_items.update": ITEM_PARAMETERS,
    "invoices.create_preview": frozenset(
        """currency customer_account customer_details discounts invoice_items on_behalf_of schedule
        schedule_details""".split()
    ),
    "checkout.sessions.create": frozenset(
        """custom_fields customer_account discounts invoice_creation optional_items
        payment_intent_data payment_method_data setup_intent_data shipping_address_collection
        shipping_options""".split()
    ),
    "billing_portal.sessions.create": frozenset("customer_account flow_data on_behalf_of".split()),
    "credit_notes.create": frozenset("effective_at email_type lines refunds shipping_cost".split()),
    "customers.create": frozenset("source test_clock".split()),
    "customers.update": frozenset("source default_source".split()),
}


def refuse_unsupported_parameters(endpoint: str, given: set[str]) -> None:
    """Refuse a parameter that would be ignored, by name."""
    for name in sorted(given & UNSUPPORTED_PARAMETERS.get(endpoint, frozenset())):
        raise build_unsupported_error(name)


def build_unsupported_error(param: str) -> StripeError:
    """Return the refusal for a parameter that only Stripe supports."""
    return StripeError(
        f"The sandbox does not act on `{param}`; Stripe would.",
        code="sandbox_unsupported",
        param=param,
        stored=False,
    )
