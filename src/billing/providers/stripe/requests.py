"""Convert our own values to Stripe's parameters."""

from typing import Final, Literal

from stripe import params

from billing.providers.stripe.parse import CHECKOUT_METADATA_KEY, ORGANIZATION_METADATA_KEY
from billing.providers.types import (
    CatalogPrice,
    CheckoutRequest,
    Profile,
    SeatChangeRequest,
    SubscriptionSnapshot,
)
from billing.seat_rules import Proration

type Behavior = Literal["always_invoice", "create_prorations", "none"]

PRORATION_BEHAVIOR: Final[dict[Proration, Behavior]] = {
    Proration.NEXT_INVOICE: "create_prorations",
    Proration.INVOICE_NOW: "always_invoice",
    Proration.SILENT: "none",
}


def build_profile(wanted: Profile) -> params.CustomerUpdateParams:
    """Return every field, blank where empty.

    A partial address would leave old parts.
    """
    return {
        "name": wanted.name,
        "email": wanted.email,
        "address": {
            "line1": wanted.address_line1,
            "line2": wanted.address_line2,
            "city": wanted.city,
            "state": wanted.state,
            "postal_code": wanted.postal_code,
            "country": wanted.country,
        },
    }


def build_checkout(wanted: CheckoutRequest) -> params.checkout.SessionCreateParams:
    """Return a payment page whose quantity the buyer cannot change."""
    metadata = {
        ORGANIZATION_METADATA_KEY: str(wanted.organization_id),
        CHECKOUT_METADATA_KEY: str(wanted.checkout_id),
    }
    subscription: params.checkout.SessionCreateParamsSubscriptionData = {"metadata": metadata}
    if wanted.trial_days:
        subscription["trial_period_days"] = wanted.trial_days
        subscription["trial_settings"] = {"end_behavior": {"missing_payment_method": "pause"}}
    return {
        "mode": "subscription",
        "customer": wanted.customer_id,
        "client_reference_id": str(wanted.organization_id),
        "line_items": [{"price": wanted.price_id, "quantity": wanted.quantity}],
        "subscription_data": subscription,
        "metadata": metadata,
        "tax_id_collection": {"enabled": True},
        "customer_update": {"name": "auto", "address": "auto"},
        "allow_promotion_codes": True,
        "success_url": wanted.success_url,
        "cancel_url": wanted.cancel_url,
    }


def build_seat_change(wanted: SeatChangeRequest) -> params.SubscriptionUpdateParams:
    """Return the change of one item, named by its id.

    Without it Stripe would add a second one.
    """
    item: params.SubscriptionUpdateParamsItem = {
        "id": wanted.item_id,
        "quantity": wanted.quantity,
    }
    if wanted.price_id:
        item["price"] = wanted.price_id
    # A declined card takes no seat away. Billable members are billed, and Stripe asks for the money
    # again while the grace of a failed payment runs. A change refused for it would be free seats.
    body: params.SubscriptionUpdateParams = {
        "items": [item],
        "proration_behavior": PRORATION_BEHAVIOR[wanted.proration],
        "payment_behavior": "allow_incomplete",
    }
    if wanted.begins_period:
        # Flexible billing mode keeps the anchor when the interval changes, so that a year would
        # end on the anchor's day and not a year after the change:
        # https://docs.stripe.com/billing/subscriptions/billing-mode/compare
        # https://docs.stripe.com/billing/subscriptions/billing-cycle
        body["billing_cycle_anchor"] = {"type": "now"}
    if wanted.proration_date and wanted.proration != Proration.SILENT:
        body["proration_date"] = int(wanted.proration_date.timestamp())
    return body


def build_end_taken_back(current: SubscriptionSnapshot) -> params.SubscriptionUpdateParams:
    """Return what takes a scheduled end back, which the portal may have set as a date."""
    if current.cancel_at_period_end:
        return {"cancel_at_period_end": False}
    return {"cancel_at": ""} if current.cancel_at else {}


def build_preview(
    wanted: SeatChangeRequest, current: SubscriptionSnapshot | None = None
) -> params.InvoiceCreatePreviewParams:
    """Return the preview of such a change, with the present subscription where its end goes too."""
    item: params.InvoiceCreatePreviewParamsSubscriptionDetailsItem = {
        "id": wanted.item_id,
        "quantity": wanted.quantity,
    }
    if wanted.price_id:
        item["price"] = wanted.price_id
    details: params.InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": [item],
        "proration_behavior": PRORATION_BEHAVIOR[wanted.proration],
    }
    if wanted.proration_date and wanted.proration != Proration.SILENT:
        details["proration_date"] = int(wanted.proration_date.timestamp())
    if wanted.begins_period:
        details["billing_cycle_anchor"] = {"type": "now"}
    if current is not None and current.cancel_at_period_end:
        details["cancel_at_period_end"] = False
    elif current is not None and current.cancel_at:
        details["cancel_at"] = ""
    return {"subscription": wanted.subscription_id, "subscription_details": details}


def build_price(wanted: CatalogPrice, product_id: str) -> params.PriceCreateParams:
    """Return a licensed, recurring price per seat."""
    interval: Literal["month", "year"] = "year" if wanted.interval == "year" else "month"
    return {
        "product": product_id,
        "lookup_key": wanted.lookup_key,
        "transfer_lookup_key": True,
        "unit_amount": wanted.amount,
        "currency": wanted.currency,
        "recurring": {"interval": interval, "usage_type": "licensed"},
    }
