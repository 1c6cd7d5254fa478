"""Serve the subscription endpoints."""

from sandbox.store import Document
from sandbox.stripe import (
    changes,
    endings,
    final_invoices,
    item_changes,
    lifecycle,
    pauses,
    price_rules,
    prorations,
    subscription_documents,
)
from sandbox.stripe.changes import Change
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import blank_to_none
from sandbox.stripe.protocol.errors import StripeError, build_absent_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

URL = "/v1/subscriptions"
PATH_VARIABLE = "subscription_exposed_id"
# What may still change once a subscription is over, or waits for its first payment.
ALLOWED_OVER = frozenset({"metadata", "cancellation_details", "expand"})
ALLOWED_INCOMPLETE = frozenset({"metadata", "default_payment_method", "default_source", "expand"})


def create_subscription(call: Call) -> Document:
    """Start a subscription of an existing customer."""
    for name in ("customer", "items"):
        if not call.params.get(name):
            raise build_absent_error(name)
    customer = call.ledger.get_object("customer", call.params["customer"], param="customer")
    sold = []
    for index, entry in enumerate(call.params["items"]):
        price = item_changes.find_entry_price(call.ledger, entry, f"items[{index}]")
        if price is None:
            raise build_absent_error(f"items[{index}][price]")
        price_rules.require_sellable(call.ledger, price, param=f"items[{index}][price]")
        sold.append((price, entry))
    return lifecycle.start_subscription(call.ledger, customer, sold, call.params)


def retrieve_subscription(call: Call) -> Document:
    """Return a subscription, including an ended one."""
    return load_subscription(call.ledger, call.path.get(PATH_VARIABLE) or call.path["subscription"])


def load_subscription(ledger: Ledger, id_: str) -> Document:
    """Return a subscription with the current state of its prices."""
    subscription = ledger.get_object("subscription", id_)
    items = [
        subscription_documents.set_item_price(item, ledger.get_object("price", item["price"]["id"]))
        for item in subscription["items"]["data"]
    ]
    return subscription | {"items": subscription["items"] | {"data": items}}


def update_subscription(call: Call) -> Document:
    """Change a subscription's settings, then its end, then its items and what they cost."""
    subscription = retrieve_subscription(call)
    refuse_by_status(subscription, set(call.params))
    if call.params.get("payment_behavior") == "pending_if_incomplete":
        check_pending_update(subscription, set(call.params))
    ledger = call.ledger
    result = lifecycle.apply_settings(ledger, subscription, call.params)
    result = endings.apply_end_options(ledger, result, call.params)
    result["cancellation_details"] = build_cancellation_details(result, call.params)
    ledger.save_object(result, event="customer.subscription.updated")
    change = Change.from_params(call.params)
    return result if change.is_empty else changes.apply_change(ledger, result, change)


def build_cancellation_details(subscription: Document, params: Document) -> Document:
    """Return why a subscription ends, with the customer's comment and feedback."""
    given = params.get("cancellation_details", {})
    known: Document = subscription["cancellation_details"]
    return known | {name: blank_to_none(value) for name, value in given.items()}


def refuse_by_status(subscription: Document, given: set[str]) -> None:
    """Refuse changes that the subscription's status does not allow."""
    status = subscription["status"]
    if status in endings.ENDED_STATUSES and not given <= ALLOWED_OVER:
        raise StripeError(
            "A canceled subscription can only update its cancellation_details and metadata.",
            param=min(given - ALLOWED_OVER),
        )
    if status == "incomplete" and not given <= ALLOWED_INCOMPLETE:
        raise StripeError(
            "Cannot update an incomplete subscription before its first payment; only the metadata "
            "and the default payment method can change.",
            param=min(given - ALLOWED_INCOMPLETE),
        )


def check_pending_update(subscription: Document, given: set[str]) -> None:
    """Refuse parameters that a pending update cannot hold."""
    allowed = {"items", "expand", "payment_behavior", "proration_behavior", "proration_date"}
    allowed |= {"billing_cycle_anchor", "trial_end", "off_session"}
    if wrong := sorted(given - allowed):
        raise StripeError(
            f"`{wrong[0]}` is not supported when `payment_behavior` is `pending_if_incomplete`.",
            param=wrong[0],
        )
    if subscription["collection_method"] == "send_invoice":
        raise StripeError(
            "`payment_behavior=pending_if_incomplete` needs `charge_automatically`.",
            param="payment_behavior",
        )


def cancel_subscription(call: Call) -> Document:
    """End a subscription at once, with a credit and a last invoice on request."""
    subscription = retrieve_subscription(call)
    if subscription["status"] in endings.ENDED_STATUSES:
        raise StripeError(
            f"No such subscription: '{subscription['id']}'",
            status=404,
            code="resource_missing",
            param="id",
        )
    ledger, params = call.ledger, call.params
    subscription = subscription | {
        "cancellation_details": build_cancellation_details(subscription, params)
    }
    if params.get("prorate") and subscription["status"] not in ("trialing", "incomplete"):
        items = subscription["items"]["data"]
        entries = prorations.build_prorations(ledger, items, [], at=ledger.now, resets=True)
        prorations.defer_prorations(ledger, subscription["id"], entries)
    if params.get("invoice_now"):
        subscription = final_invoices.collect_pending_prorations(
            ledger, subscription, reason="subscription_update"
        )
    return endings.end_subscription(ledger, subscription, reason="cancellation_requested")


def pause_subscription(call: Call) -> Document:
    """Pause a running subscription."""
    subscription = retrieve_subscription(call)
    if subscription["status"] not in lifecycle.RUNNING_STATUSES:
        raise StripeError(f"A subscription that is {subscription['status']} cannot be paused.")
    return pauses.pause_subscription_now(call.ledger, subscription, reason="pause_requested")


def resume_subscription(call: Call) -> Document:
    """Resume a paused subscription."""
    return pauses.resume_paused(
        call.ledger,
        retrieve_subscription(call),
        anchor=call.params.get("billing_cycle_anchor", {"type": "now"})["type"],
        behavior=call.params.get("payment_behavior", "resume_on_payment_success"),
    )


def list_subscriptions(call: Call) -> Document:
    """List subscriptions, where canceled ones are included only on request."""
    ledger, params = call.ledger, call.params
    owner = params.get("customer")
    every = (
        ledger.list_owned_objects("subscription", owner)
        if owner
        else iter(ledger.list_objects("subscription"))
    )
    found = [
        subscription
        for subscription in every
        if is_listed_status(subscription, params.get("status"))
        and is_matching_filters(subscription, params, "collection_method")
        and is_time_within(subscription["created"], params.get("created"))
        and is_time_within(
            subscription_documents.get_current_period(subscription)[0],
            params.get("current_period_start"),
        )
        and is_time_within(
            subscription_documents.get_current_period(subscription)[1],
            params.get("current_period_end"),
        )
        and has_price(subscription, params.get("price", params.get("plan")))
    ]
    return build_list_page(found, params, url=URL)


def is_listed_status(subscription: Document, status: str | None) -> bool:
    """Return whether a list for this status shows the subscription."""
    if status in ("all", None):
        return status == "all" or subscription["status"] != "canceled"
    if status == "ended":
        return subscription["status"] in endings.ENDED_STATUSES
    return bool(subscription["status"] == status)


def has_price(subscription: Document, price: str | None) -> bool:
    """Return whether one of the items has this price."""
    return price is None or any(
        item["price"]["id"] == price for item in subscription["items"]["data"]
    )
