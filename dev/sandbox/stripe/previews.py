"""Preview invoices by making the real change on a ledger that is thrown away."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import (
    changes,
    endings,
    invoice_documents,
    lifecycle,
    periods,
    prorations,
    subscription_documents,
)
from sandbox.stripe.changes import Change, Revision
from sandbox.stripe.protocol import unsupported_parameters
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import blank_to_none, build_list_object
from sandbox.stripe.protocol.errors import StripeError, build_absent_error
from sandbox.stripe.protocol.ledger import Ledger


def create_invoice_preview(call: Call) -> Document:
    """Return the invoice a change would cause now, or else the subscription's next one."""
    ledger = Ledger(call.ledger.world, now=call.ledger.now)
    details = call.params.get("subscription_details", {})
    if "subscription" not in call.params:
        raise build_absent_error("subscription")
    if details.get("cancel_now"):
        raise unsupported_parameters.build_unsupported_error("subscription_details[cancel_now]")
    subscription = ledger.get_object(
        "subscription", call.params["subscription"], param="subscription"
    )
    if subscription["status"] in endings.ENDED_STATUSES:
        raise build_nothing_upcoming_error()
    revision = changes.revise_subscription(ledger, subscription, Change.from_params(details))
    prorations.defer_prorations(ledger, subscription["id"], revision.entries)
    ledger.save_object(revision.subscription)
    if call.params.get("preview_mode") == "recurring":
        return build_recurring_invoice(ledger, revision.subscription)
    if revision.bills_now:
        return build_immediate_invoice(ledger, revision, details)
    return build_next_invoice(ledger, revision.subscription, details)


def build_immediate_invoice(
    ledger: Ledger, revision: Revision, details: dict[str, Any]
) -> Document:
    """Return the invoice that would be charged at once."""
    subscription = revision.subscription
    waiting = prorations.build_pending_lines(ledger, subscription["id"])
    if not (waiting or revision.lines):
        return build_next_invoice(ledger, subscription, details)
    return build_preview(ledger, subscription, waiting + revision.lines, details)


def build_next_invoice(ledger: Ledger, subscription: Document, details: dict[str, Any]) -> Document:
    """Return the next regular invoice with pending prorations and the next period."""
    _, end = subscription_documents.get_current_period(subscription)
    lines = prorations.build_pending_lines(ledger, subscription["id"])
    ends = subscription["cancel_at"]
    if details.get("cancel_at_period_end") or blank_to_none(details.get("cancel_at")):
        ends = end
    elif "cancel_at_period_end" in details or "cancel_at" in details:
        ends = None  # the change takes the scheduled end back
    if ends is None or ends > end:
        lines += list_coming_lines(ledger, subscription)
    if not lines or subscription["status"] == "paused":
        raise build_nothing_upcoming_error()
    return build_preview(ledger, subscription, lines, details, at=end)


def build_recurring_invoice(ledger: Ledger, subscription: Document) -> Document:
    """Return the invoice of every later period."""
    return build_preview(ledger, subscription, list_coming_lines(ledger, subscription), {})


def list_coming_lines(ledger: Ledger, subscription: Document) -> list[Document]:
    """Return the lines of the period after the current one."""
    _, end = subscription_documents.get_current_period(subscription)
    cycle = subscription["items"]["data"][0]["price"]["recurring"]
    until = periods.find_next_period_start(end, subscription["billing_cycle_anchor"], cycle)
    later = subscription_documents.set_period(subscription | {"status": "active"}, end, until)
    return lifecycle.build_period_lines(ledger, later)


def build_preview(
    ledger: Ledger,
    subscription: Document,
    lines: list[Document],
    details: dict[str, Any],
    *,
    at: int | None = None,
) -> Document:
    """Return lines as a preview, which is never stored and has an id that cannot be retrieved."""
    invoice = invoice_documents.build_draft_invoice(ledger, subscription, lines, reason="upcoming")
    id_ = f"upcoming_{invoice['id']}"
    parent = invoice["parent"]["subscription_details"]
    parent["subscription_proration_date"] = details.get("proration_date", ledger.now)
    return invoice | {
        "id": id_,
        "created": ledger.now if at is None else at,
        "lines": build_list_object(
            [line | {"invoice": id_} for line in invoice["lines"]["data"]],
            f"/v1/invoices/{id_}/lines",
        ),
        "next_payment_attempt": None if at is None else at + 3600,
    }


def build_nothing_upcoming_error() -> StripeError:
    """Return the refusal when no invoice will follow."""
    return StripeError(
        "No upcoming invoices for customer", status=404, code="invoice_upcoming_none"
    )
