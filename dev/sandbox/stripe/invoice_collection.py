"""Store, number, charge, pay and void invoices."""

from dataclasses import dataclass

from sandbox.store import Document
from sandbox.stripe import discounts, invoice_documents, payment_outcomes, periods, prorations
from sandbox.stripe.payment_outcomes import ChargeResult
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.errors import StripeError, build_action_error, build_decline_error
from sandbox.stripe.protocol.ledger import Ledger

# After a declined renewal Stripe tries again; the days count from one attempt to the next.
RETRY_DELAYS_SECONDS = (3 * periods.DAY_SECONDS, 5 * periods.DAY_SECONDS, 7 * periods.DAY_SECONDS)


# A renewal's invoice stays a draft for about an hour:
# https://docs.stripe.com/billing/invoices/subscription#sub-invoice-lifecycle
DRAFT_SECONDS = periods.HOUR_SECONDS


@dataclass(frozen=True)
class CollectionResult:
    """Hold an invoice after the attempt to collect it, and the result of a failed charge."""

    invoice: Document
    paid: bool
    charge: ChargeResult = ChargeResult.SUCCEEDED


def create_invoice(
    ledger: Ledger, subscription: Document, lines: list[Document], *, reason: str
) -> Document:
    """Store an open, numbered invoice over the pending prorations and the given lines."""
    invoice = create_draft(ledger, subscription, lines, reason=reason)
    return finalize_invoice(ledger, invoice, days=subscription["days_until_due"])


def create_scheduled_draft(
    ledger: Ledger, subscription: Document, lines: list[Document], *, reason: str
) -> Document:
    """Store a draft that is finalized in an hour."""
    return create_draft(
        ledger, subscription, lines, reason=reason, finalizes_at=ledger.now + DRAFT_SECONDS
    )


def create_draft(
    ledger: Ledger,
    subscription: Document,
    lines: list[Document],
    *,
    reason: str,
    finalizes_at: int | None = None,
) -> Document:
    """Store a draft over the pending prorations and the given lines."""
    waiting = prorations.list_pending_prorations(ledger, subscription["id"])
    period_lines = lines
    lines = prorations.build_pending_lines(ledger, subscription["id"]) + lines
    invoice = invoice_documents.build_draft_invoice(ledger, subscription, lines, reason=reason)
    invoice["automatically_finalizes_at"] = finalizes_at
    discounts.use_discounts(ledger, period_lines)
    prorations.record_period_debits(ledger, invoice, period_lines)
    for entry in waiting:
        ledger.save_object(entry | {"invoice": invoice["id"]})
    if waiting:
        ledger.save_private_state(subscription["id"], pending_items=[])
    owners = (subscription["customer"], subscription["id"])
    ledger.add_object(invoice, owners=owners, event="invoice.created")
    return invoice


def finalize_invoice(ledger: Ledger, invoice: Document, *, days: int | None = None) -> Document:
    """Number and open a draft invoice and apply the customer's balance to it."""
    customer = ledger.get_object("customer", invoice["customer"])
    invoice = invoice | invoice_documents.compute_sums(customer, invoice["lines"]["data"])
    sequence = customer["next_invoice_sequence"]
    page = f"{ledger.world.settings.public_url}/invoices/{invoice['id']}"
    opened = invoice | {
        "automatically_finalizes_at": None,
        "due_date": None if days is None else ledger.now + days * periods.DAY_SECONDS,
        "effective_at": ledger.now,
        "hosted_invoice_url": page,
        "invoice_pdf": f"{page}/pdf",
        "number": f"{customer['invoice_prefix']}-{sequence:04d}",
        "status": "open",
        "status_transitions": invoice["status_transitions"] | {"finalized_at": ledger.now},
        "webhooks_delivered_at": ledger.now,
    }
    balance = {"balance": invoice["ending_balance"], "next_invoice_sequence": sequence + 1}
    ledger.save_object(customer | balance)
    ledger.save_object(opened)
    ledger.record_event("invoice.finalized", opened)
    if opened["amount_due"]:
        payment = build_invoice_payment(ledger, opened)
        ledger.add_object(payment, owners=(opened["id"],))
    return opened


def build_invoice_payment(ledger: Ledger, invoice: Document) -> Document:
    """Return the open payment of an open invoice."""
    return {
        "id": build_object_id("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": ledger.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": build_object_id("payment_intent"), "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def collect_invoice(ledger: Ledger, invoice: Document, *, method: str | None) -> CollectionResult:
    """Charge an open invoice automatically.

    An invoice with nothing due is paid at once. One that is sent by mail stays open.
    """
    if invoice["collection_method"] == "send_invoice" and invoice["amount_due"]:
        return CollectionResult(invoice, paid=False)
    return attempt_payment(ledger, invoice, method=method)


def attempt_payment(ledger: Ledger, invoice: Document, *, method: str | None) -> CollectionResult:
    """Charge an invoice, or mark it paid if nothing is due."""
    if invoice["amount_due"] == 0:
        return CollectionResult(mark_invoice_paid(ledger, invoice), paid=True)
    charge = decide_charge(ledger, invoice["customer"], method)
    if charge == ChargeResult.SUCCEEDED:
        return CollectionResult(mark_invoice_paid(ledger, count_attempt(invoice)), paid=True)
    failed = record_failed_charge(ledger, invoice, charge)
    return CollectionResult(failed, paid=False, charge=charge)


def get_payable_invoice(ledger: Ledger, invoice: Document) -> Document:
    """Return an invoice that may be paid now, after finalizing a draft."""
    if invoice["status"] == "draft":
        return finalize_invoice(ledger, invoice)
    if invoice["status"] == "paid":
        raise StripeError("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError(f"This invoice is {invoice['status']}.", code="invoice_not_editable")
    return invoice


def pay_invoice_now(ledger: Ledger, invoice: Document, *, method: str | None) -> Document:
    """Charge an invoice on request, and record a decline before refusing it."""
    tried = attempt_payment(ledger, get_payable_invoice(ledger, invoice), method=method)
    if not tried.paid:
        # The attempt and its event stay, although the caller gets an error.
        ledger.commit()
        raise build_charge_error(tried.charge, code="invoice_payment_intent_requires_action")
    return tried.invoice


def build_charge_error(charge: ChargeResult, *, code: str) -> StripeError:
    """Return the refusal for a charge that failed, with the code for a missing authentication.

    https://docs.stripe.com/error-codes
    """
    if charge == ChargeResult.ACTION_REQUIRED:
        return build_action_error(code)
    return build_decline_error()


def decide_charge(ledger: Ledger, customer: str, method: str | None) -> ChargeResult:
    """Return how a charge ends, where an outcome that a test set comes first."""
    outcome = payment_outcomes.take_payment_outcome(ledger.world.store, customer)
    if method is None:
        return ChargeResult.DECLINED
    known = ledger.get_private_state(method).get("charge", ChargeResult.SUCCEEDED)
    return ChargeResult(outcome or known)


def count_attempt(invoice: Document) -> Document:
    """Return an invoice with its attempt count raised by one."""
    return invoice | {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}


def record_failed_charge(ledger: Ledger, invoice: Document, charge: ChargeResult) -> Document:
    """Record a failed charge and the time of the next attempt.

    A charge that needs the customer's authentication sends both events:
    https://docs.stripe.com/billing/subscriptions/webhooks.
    """
    failed = count_attempt(invoice)
    retry = failed["attempt_count"] - 1
    again = ledger.now + RETRY_DELAYS_SECONDS[retry] if retry < len(RETRY_DELAYS_SECONDS) else None
    failed |= {"next_payment_attempt": again, "auto_advance": again is not None}
    ledger.save_object(failed)
    ledger.record_event("invoice.payment_failed", failed)
    if charge == ChargeResult.ACTION_REQUIRED:
        ledger.record_event("invoice.payment_action_required", failed)
    return failed


def mark_invoice_paid(ledger: Ledger, invoice: Document, *, out_of_band: bool = False) -> Document:
    """Mark an invoice paid."""
    paid = invoice | {
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": "paid",
        "status_transitions": invoice["status_transitions"] | {"paid_at": ledger.now},
    }
    if out_of_band:
        paid["amount_paid_off_stripe"] = paid["amount_due"]
    ledger.save_object(paid)
    for payment in list(ledger.list_owned_objects("invoice_payment", invoice["id"])):
        close_invoice_payment(ledger, payment, "canceled" if out_of_band else "paid")
    ledger.record_event("invoice.paid", paid)
    if not out_of_band:
        ledger.record_event("invoice.payment_succeeded", paid)
    return paid


def close_invoice_payment(ledger: Ledger, payment: Document, status: str) -> None:
    """Close the payment of an invoice as paid or canceled."""
    paid = payment["amount_requested"] if status == "paid" else None
    stamp = payment["status_transitions"] | {f"{status}_at": ledger.now}
    ledger.save_object(
        payment | {"status": status, "amount_paid": paid, "status_transitions": stamp}
    )


def void_invoice(ledger: Ledger, invoice: Document) -> Document:
    """Void an open invoice."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError(
            f"You can only pass in open or uncollectible invoices. This invoice is {invoice['status']}.",
            code="invoice_not_editable",
        )
    return close_unpaid_invoice(ledger, invoice, "void", stamp="voided_at", event="invoice.voided")


def mark_uncollectible(ledger: Ledger, invoice: Document) -> Document:
    """Mark an open invoice uncollectible."""
    if invoice["status"] != "open":
        raise StripeError(
            f"You can only mark open invoices as uncollectible. This invoice is {invoice['status']}.",
            code="invoice_not_editable",
        )
    return close_unpaid_invoice(
        ledger,
        invoice,
        "uncollectible",
        stamp="marked_uncollectible_at",
        event="invoice.marked_uncollectible",
    )


def close_unpaid_invoice(
    ledger: Ledger, invoice: Document, status: str, *, stamp: str, event: str
) -> Document:
    """Close an invoice without payment."""
    closed = invoice | {
        "auto_advance": False,
        "next_payment_attempt": None,
        "status": status,
        "status_transitions": invoice["status_transitions"] | {stamp: ledger.now},
    }
    ledger.save_object(closed)
    ledger.record_event(event, closed)
    if status == "void":
        for payment in list(ledger.list_owned_objects("invoice_payment", invoice["id"])):
            close_invoice_payment(ledger, payment, "canceled")
    return closed
