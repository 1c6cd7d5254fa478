"""Start subscriptions and bill their first period."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import (
    coupons,
    discounts,
    endings,
    invoice_collection,
    invoice_lines,
    periods,
    price_rules,
    subscription_documents,
    tax_rates,
)
from sandbox.stripe.protocol.documents import blank_to_none, merge_stripe_metadata, overlay_settings
from sandbox.stripe.protocol.errors import StripeError, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger

MAX_DAYS_UNTIL_DUE = 365
# How long a first payment, or a pending update, may wait:
# https://docs.stripe.com/billing/subscriptions/overview#payment-window
PAYMENT_WINDOW_SECONDS = 23 * periods.HOUR_SECONDS
RUNNING_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid"})
ACTION_REQUIRED_CODE = "subscription_payment_intent_requires_action"
COPIED_PARAMETERS = (
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "description",
    "pause_collection",
)


def start_subscription(
    ledger: Ledger, customer: Document, prices: list[tuple[Document, Document]], options: Document
) -> Document:
    """Start a subscription to the given (price, entry) pairs and take the first payment."""
    currency = prices[0][0]["currency"]
    for index, (price, _) in enumerate(prices):
        price_rules.require_currency(price, currency, param=f"items[{index}][price]")
    price_rules.require_one_interval([price for price, _ in prices])
    price_rules.require_customer_currency(ledger, customer["id"], currency)
    subscription = subscription_documents.build_subscription(
        customer["id"], currency=currency, now=ledger.now
    )
    items = [build_new_item(ledger, subscription["id"], price, entry) for price, entry in prices]
    subscription["items"] = subscription_documents.build_item_list(subscription["id"], items)
    subscription = apply_settings(ledger, subscription, options)
    if code := options.get("promotion_code"):
        discount = coupons.redeem_promotion_code(ledger, code, subscription)
        subscription["discounts"] = [discount["id"]]
    subscription = set_first_period(ledger, subscription, get_trial_end(ledger, options))
    subscription = endings.apply_end_options(ledger, subscription, options)
    require_card(ledger, subscription, options)
    ledger.add_object(subscription, owners=(customer["id"],), event="customer.subscription.created")
    for entry in items:
        ledger.save_private_state(entry["id"], subscription=subscription["id"])
    if customer["currency"] != currency:
        ledger.save_object(ledger.get_object("customer", customer["id"]) | {"currency": currency})
    return collect_first_payment(
        ledger, subscription, options.get("payment_behavior", "allow_incomplete")
    )


def build_new_item(ledger: Ledger, subscription: str, price: Document, entry: Document) -> Document:
    """Return a new item built from the parameters."""
    item = subscription_documents.build_item(
        subscription, price, quantity=entry.get("quantity"), created=ledger.now
    )
    return item | {"metadata": merge_stripe_metadata({}, entry.get("metadata"))}


def apply_settings(ledger: Ledger, subscription: Document, options: Document) -> Document:
    """Return the subscription with its plain settings applied."""
    result = subscription | {
        name: blank_to_none(options[name]) for name in COPIED_PARAMETERS if name in options
    }
    result["metadata"] = merge_stripe_metadata(subscription["metadata"], options.get("metadata"))
    if "automatic_tax" in options:
        result["automatic_tax"] = subscription_documents.build_automatic_tax(
            options["automatic_tax"]
        )
    if "default_tax_rates" in options:
        result["default_tax_rates"] = tax_rates.load_default_rates(
            ledger, options["default_tax_rates"]
        )
    if "payment_settings" in options:
        given = {name: blank_to_none(value) for name, value in options["payment_settings"].items()}
        result["payment_settings"] = subscription["payment_settings"] | given
    if "trial_settings" in options:
        given = options["trial_settings"]
        result["trial_settings"] = overlay_settings(subscription["trial_settings"], given)
    if result["pause_collection"]:
        result["pause_collection"] = {"resumes_at": None} | result["pause_collection"]
    if result["collection_method"] == "send_invoice" and result["days_until_due"] is None:
        raise build_parameter_error(
            "If `collection_method` is `send_invoice`, you must specify `days_until_due`.",
            param="days_until_due",
        )
    if not 0 <= (result["days_until_due"] or 0) <= MAX_DAYS_UNTIL_DUE:
        raise build_parameter_error("`days_until_due` must be 0 to 365.", param="days_until_due")
    if method := result["default_payment_method"]:
        owner = ledger.get_object("payment_method", method, param="default_payment_method")[
            "customer"
        ]
        if owner != result["customer"]:
            raise StripeError(
                "The customer does not have a payment method with the ID " + method,
                code="resource_missing",
                param="default_payment_method",
            )
    return result


def get_trial_end(ledger: Ledger, options: Document) -> int | None:
    """Return the end of the trial, or None without a trial."""
    periods.check_trial(options, now=ledger.now)
    if "trial_period_days" in options:
        return ledger.now + int(options["trial_period_days"]) * periods.DAY_SECONDS
    end: Any = options.get("trial_end")
    return None if end is None or end == "now" else int(end)


def set_first_period(ledger: Ledger, subscription: Document, trial_end: int | None) -> Document:
    """Return the subscription in its first period, which is the trial or a whole interval."""
    if trial_end:
        trial = {"trial_start": ledger.now, "trial_end": trial_end, "status": "trialing"}
        result = subscription | trial | {"billing_cycle_anchor": trial_end}
        return subscription_documents.set_period(result, ledger.now, trial_end)
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    return subscription_documents.set_period(
        subscription, ledger.now, periods.get_period_start(ledger.now, recurring, 1)
    )


def find_charged_card(ledger: Ledger, subscription: Document) -> str | None:
    """Return the card a subscription is charged to, which is its own or the customer's default."""
    if method := subscription["default_payment_method"]:
        return str(method)
    customer = ledger.get_object("customer", subscription["customer"])
    default: str | None = customer.get("invoice_settings", {}).get("default_payment_method")
    return default


def require_card(ledger: Ledger, subscription: Document, options: Document) -> None:
    """Refuse to start a subscription without a card, unless it is confirmed later."""
    waits = options.get("payment_behavior") == "default_incomplete"
    by_mail = subscription["collection_method"] == "send_invoice"
    if waits or by_mail or subscription["status"] == "trialing":
        return
    if find_charged_card(ledger, subscription) is None and not is_period_free(ledger, subscription):
        raise StripeError(
            "This customer has no attached payment source or default payment method. Please "
            "consider adding a default payment method.",
            code="resource_missing",
        )


def is_period_free(ledger: Ledger, subscription: Document) -> bool:
    """Return whether a period costs nothing."""
    lines = build_period_lines(ledger, subscription)
    return not any(discounts.get_net_amount(line) for line in lines)


def build_period_lines(ledger: Ledger, subscription: Document) -> list[Document]:
    """Return the lines of the current period."""
    start, end = subscription_documents.get_current_period(subscription)
    trial = subscription["status"] == "trialing"
    lines = [
        invoice_lines.build_period_line(ledger, item, start=start, end=end, trial=trial)
        for item in subscription["items"]["data"]
        if "quantity" in item
    ]
    return discounts.discount_lines(ledger, subscription, lines, at=start)


def collect_first_payment(ledger: Ledger, subscription: Document, behavior: str) -> Document:
    """Bill the first period and set the status by the outcome of the payment."""
    lines = build_period_lines(ledger, subscription)
    invoice = invoice_collection.create_invoice(
        ledger, subscription, lines, reason="subscription_create"
    )
    result = subscription | {"latest_invoice": invoice["id"]}
    if behavior == "default_incomplete" and invoice["amount_due"]:
        ledger.save_object(result, event="customer.subscription.updated")
        return result
    collected = invoice_collection.collect_invoice(
        ledger, invoice, method=find_charged_card(ledger, result)
    )
    if not collected.paid and behavior == "error_if_incomplete":
        raise invoice_collection.build_charge_error(collected.charge, code=ACTION_REQUIRED_CODE)
    by_mail = result["collection_method"] == "send_invoice"
    if result["status"] == "incomplete" and (collected.paid or by_mail):
        result["status"] = "active"
    ledger.save_object(result, event="customer.subscription.updated")
    return result
