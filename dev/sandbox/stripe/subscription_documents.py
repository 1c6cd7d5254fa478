"""Build new subscriptions and their items as the API shows them."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe.protocol.documents import build_list_object, build_object_id


def build_plan(price: Document) -> Document:
    """Return the legacy plan of a price, which subscription items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def strip_private_fields(price: Document) -> Document:
    """Return a price as other objects contain it, without its tiers."""
    return {name: value for name, value in price.items() if name != "tiers"}


def set_item_price(item: Document, price: Document) -> Document:
    """Return an item with another price, or with the current state of the same one."""
    return item | {"price": strip_private_fields(price), "plan": build_plan(price)}


def build_item(
    subscription: str, price: Document, *, quantity: int | None, created: int
) -> Document:
    """Return a new item, whose period the caller sets and which has no quantity if metered."""
    metered = price["recurring"]["usage_type"] == "metered"
    return {
        "id": build_object_id("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": created,
        "current_trial": None,
        "current_period_end": created,
        "current_period_start": created,
        "discounts": [],
        "metadata": {},
        "plan": build_plan(price),
        "price": strip_private_fields(price),
        "subscription": subscription,
        "tax_rates": [],
    } | ({} if metered else {"quantity": 1 if quantity is None else quantity})


def build_item_list(subscription: str, items: list[Document]) -> Document:
    """Return the list of items as a subscription contains it."""
    return build_list_object(items, f"/v1/subscription_items?subscription={subscription}")


def build_subscription(customer: str, *, currency: str, now: int) -> Document:
    """Return a new subscription without items, incomplete until its first payment."""
    id_ = build_object_id("subscription")
    return (
        dict.fromkeys(NULL_FIELDS)
        | build_default_terms(now)
        | {
            "id": id_,
            "object": "subscription",
            "created": now,
            "currency": currency,
            "customer": customer,
            "items": build_item_list(id_, []),
            "livemode": False,
            "metadata": {},
            "start_date": now,
            "status": "incomplete",
        }
    )


NULL_FIELDS = """application application_fee_percent billing_cycle_anchor_config billing_thresholds
cancel_at canceled_at customer_account days_until_due default_payment_method default_source
description ended_at latest_invoice managed_payments next_pending_invoice_item_invoice on_behalf_of pause_collection
pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock
transfer_data trial_end trial_start""".split()


def build_default_terms(now: int) -> Document:
    """Return Stripe's defaults for how a subscription is billed and ends."""
    flexible = {"proration_discounts": "included"}
    return {
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": now,
        "billing_mode": {"type": "flexible", "flexible": flexible, "updated_at": now},
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": dict.fromkeys(("comment", "feedback", "feedback_option", "reason")),
        "collection_method": "charge_automatically",
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "trial_settings": {
            "end_behavior": {
                "billing_cycle_anchor": None,
                "missing_payment_method": "create_invoice",
            }
        },
    }


def build_automatic_tax(given: dict[str, Any]) -> Document:
    """Return the tax setting of a subscription from its parameters."""
    enabled = given["enabled"]
    liability = given.get("liability", {"type": "self"}) if enabled else None
    return {"disabled_reason": None, "enabled": enabled, "liability": liability}


def build_computed_tax(status: str, *, enabled: bool) -> Document:
    """Return the tax setting of an invoice or session, with the status of its computation."""
    return {
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": status if enabled else None,
    }


def get_current_period(subscription: Document) -> tuple[int, int]:
    """Return the current period, which all items share in the sandbox."""
    first = subscription["items"]["data"][0]
    return int(first["current_period_start"]), int(first["current_period_end"])


def set_period(subscription: Document, start: int, end: int) -> Document:
    """Return a subscription whose items are in another period.

    An end scheduled with `cancel_at_period_end` moves along, one scheduled with `cancel_at` does not:
    https://docs.stripe.com/billing/subscriptions/billing-mode/compare.
    """
    span = {"current_period_start": start, "current_period_end": end}
    items = [entry | span for entry in subscription["items"]["data"]]
    moved = subscription | {"items": subscription["items"] | {"data": items}}
    return moved | ({"cancel_at": end} if subscription["cancel_at_period_end"] else {})
