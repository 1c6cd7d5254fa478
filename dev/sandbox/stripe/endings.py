"""End subscriptions, at once or at a scheduled time."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import subscription_documents
from sandbox.stripe.periods import DAY_SECONDS
from sandbox.stripe.protocol.documents import blank_to_none
from sandbox.stripe.protocol.errors import build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger

MAX_CANCEL_DELAY_SECONDS = 5 * 366 * DAY_SECONDS
ENDED_STATUSES = frozenset({"canceled", "incomplete_expired"})


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


def end_subscription(
    ledger: Ledger, subscription: Document, *, reason: str, status: str = "canceled"
) -> Document:
    """End a subscription now and stop the collection of its open invoices.

    Stripe stops automatic collection of all finalized invoices:
    https://docs.stripe.com/api/subscriptions/cancel.
    """
    stop_collection(ledger, subscription["id"])
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


def stop_collection(ledger: Ledger, subscription_id: str) -> None:
    """Leave the open invoices of a subscription open without further attempts."""
    for invoice in list(ledger.list_owned_objects("invoice", subscription_id)):
        if invoice["status"] in ("draft", "open"):
            stopped = {"auto_advance": False, "automatically_finalizes_at": None}
            ledger.save_object(invoice | stopped | {"next_payment_attempt": None})
