"""Start, bill, pause, resume and end subscriptions."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import invoice_collection, invoice_documents, periods, subscription_documents
from sandbox.stripe.protocol.documents import blank_to_none, merge_stripe_metadata, overlay_settings
from sandbox.stripe.protocol.errors import StripeError, build_decline_error, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
MAX_CANCEL_DELAY_SECONDS = 5 * 366 * DAY_SECONDS
MAX_DAYS_UNTIL_DUE = 365
PAYMENT_WINDOW_SECONDS = (
    23 * HOUR_SECONDS
)  # how long a first payment, or a pending update, may wait
ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})
RUNNING_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid"})
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
    subscription = subscription_documents.build_subscription(
        customer["id"], currency=currency, now=ledger.now
    )
    items = [build_new_item(ledger, subscription["id"], price, entry) for price, entry in prices]
    subscription["items"] = subscription_documents.build_item_list(subscription["id"], items)
    subscription = apply_settings(ledger, subscription, options)
    subscription = set_first_period(ledger, subscription, get_trial_end(ledger, options))
    subscription = apply_end_options(ledger, subscription, options)
    require_card(ledger, subscription, options)
    ledger.add_object(subscription, owners=(customer["id"],), event="customer.subscription.created")
    for entry in items:
        ledger.save_private_state(entry["id"], subscription=subscription["id"])
    if customer["currency"] is None:
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
        return ledger.now + int(options["trial_period_days"]) * DAY_SECONDS
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


def apply_end_options(ledger: Ledger, subscription: Document, options: Document) -> Document:
    """Return the subscription with its end set or removed by the options."""
    if "cancel_at_period_end" in options:
        end = (
            subscription_documents.get_current_period(subscription)[1]
            if options["cancel_at_period_end"]
            else None
        )
        return set_subscription_end(ledger, subscription, end, flag=options["cancel_at_period_end"])
    if "cancel_at" not in options:
        return subscription
    at: Any = blank_to_none(options["cancel_at"])
    if isinstance(at, str):
        at = subscription_documents.get_current_period(subscription)[1]
    if at is not None and not ledger.now < at <= ledger.now + MAX_CANCEL_DELAY_SECONDS:
        raise build_parameter_error(
            "`cancel_at` must be in the next five years.", param="cancel_at"
        )
    return set_subscription_end(ledger, subscription, at, flag=False)


def set_subscription_end(
    ledger: Ledger, subscription: Document, at: int | None, *, flag: bool
) -> Document:
    """Return the subscription with the given end, or without one."""
    reason = None if at is None else "cancellation_requested"
    return subscription | {
        "cancel_at": at,
        "cancel_at_period_end": flag,
        "canceled_at": None if at is None else ledger.now,
        "cancellation_details": subscription["cancellation_details"] | {"reason": reason},
    }


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
    return not any(line["amount"] for line in build_period_lines(ledger, subscription))


def build_period_lines(ledger: Ledger, subscription: Document) -> list[Document]:
    """Return the lines of the current period."""
    start, end = subscription_documents.get_current_period(subscription)
    trial = subscription["status"] == "trialing"
    return [
        invoice_documents.build_period_line(ledger, item, start=start, end=end, trial=trial)
        for item in subscription["items"]["data"]
        if "quantity" in item
    ]


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
        raise build_decline_error()
    by_mail = result["collection_method"] == "send_invoice"
    if result["status"] == "incomplete" and (collected.paid or by_mail):
        result["status"] = "active"
    ledger.save_object(result, event="customer.subscription.updated")
    return result


def end_subscription(
    ledger: Ledger, subscription: Document, *, reason: str, status: str = "canceled"
) -> Document:
    """End a subscription now."""
    requested = subscription["canceled_at"] if subscription["cancel_at"] else None
    details = subscription["cancellation_details"]
    over = subscription | {
        "canceled_at": requested or ledger.now,
        "cancellation_details": details | {"reason": details["reason"] or reason},
        "ended_at": ledger.now,
        "pending_update": None,
        "status": status,
    }
    if status == "incomplete_expired":
        ledger.save_object(over, event="customer.subscription.updated")
    else:
        ledger.save_object(over)
        ledger.record_event("customer.subscription.deleted", over)
    return over


def pause_subscription_now(ledger: Ledger, subscription: Document, *, reason: str) -> Document:
    """Pause a subscription, which then gets no invoices and no new periods."""
    paused = subscription | {
        "status": "paused",
        "status_details": {
            "paused": {
                "subscription": {"type": reason},
                "transitioned_at": ledger.now,
                "type": "subscription",
            }
        },
    }
    ledger.save_object(paused, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.paused", paused)
    return paused


def resume_paused(
    ledger: Ledger, subscription: Document, *, anchor: str, behavior: str
) -> Document:
    """Resume a paused subscription, in a new paid cycle or in its old one."""
    if subscription["status"] != "paused":
        raise StripeError("Only paused subscriptions can be resumed.")
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    running = subscription | {"status": "active", "status_details": None}
    if anchor == "unchanged":
        until = periods.find_next_period_start(
            ledger.now, subscription["billing_cycle_anchor"], recurring
        )
        return save_resumed(ledger, subscription_documents.set_period(running, ledger.now, until))
    running["billing_cycle_anchor"] = ledger.now
    running = subscription_documents.set_period(
        running, ledger.now, periods.get_period_start(ledger.now, recurring, 1)
    )
    lines = build_period_lines(ledger, running)
    invoice = invoice_collection.create_invoice(
        ledger, running, lines, reason="subscription_update"
    )
    collected = invoice_collection.collect_invoice(
        ledger, invoice, method=find_charged_card(ledger, subscription)
    )
    if collected.paid:
        return save_resumed(ledger, running | {"latest_invoice": invoice["id"]})
    if behavior == "resume_on_payment_attempt":
        return save_resumed(
            ledger, running | {"latest_invoice": invoice["id"], "status": "past_due"}
        )
    ledger.save_private_state(subscription["id"], resuming=invoice["id"], resumed=running)
    waiting = subscription | {"latest_invoice": invoice["id"]}
    ledger.save_object(waiting, event="customer.subscription.updated")
    return waiting


def save_resumed(ledger: Ledger, subscription: Document) -> Document:
    """Save a resumed subscription and record its event."""
    ledger.save_object(subscription, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.resumed", subscription)
    return subscription


def apply_late_payment(ledger: Ledger, invoice: Document) -> None:
    """Apply a late payment to its subscription, which may resume, change or become active."""
    parent = (invoice["parent"] or {}).get("subscription_details")
    subscription = ledger.find_object("subscription", parent["subscription"]) if parent else None
    if subscription is None or subscription["status"] in ENDED_STATUSES:
        return
    state = ledger.get_private_state(subscription["id"])
    if state.get("resuming") == invoice["id"]:
        ledger.save_private_state(subscription["id"], resuming=None)
        save_resumed(ledger, state["resumed"] | {"latest_invoice": invoice["id"]})
    elif (state.get("pending_change") or {}).get("invoice") == invoice["id"]:
        apply_pending_update(ledger, subscription, state["pending_change"]["items"])
    elif subscription["latest_invoice"] == invoice["id"]:
        recover_subscription(ledger, subscription)


def recover_subscription(ledger: Ledger, subscription: Document) -> None:
    """Make a subscription active again after its latest invoice was paid."""
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        active = subscription | {"status": "active"}
        ledger.save_object(active, event="customer.subscription.updated")


def apply_pending_update(ledger: Ledger, subscription: Document, items: list[Document]) -> None:
    """Apply an update that waited for its payment."""
    ledger.save_private_state(subscription["id"], pending_change=None)
    entries = subscription["items"] | {"data": items}
    applied = subscription | {"items": entries, "pending_update": None}
    ledger.save_object(applied, event="customer.subscription.updated")
    ledger.record_event("customer.subscription.pending_update_applied", applied)
