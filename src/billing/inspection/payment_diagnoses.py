"""Explain payments that failed, and subscriptions that ended."""

from collections.abc import Iterator, Sequence

from django.utils import timezone

from billing import statuses
from billing.inspection.diagnosis import Diagnosis, Remedy
from billing.inspection.facts import BillingFacts
from billing.models import Invoice, Subscription
from billing.money import format_amount
from billing.notices.drafts import format_moment
from billing.statuses import Status


def explain_payment(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain a failed payment, an end and the invoices that stayed open."""
    row = facts.current
    if row is not None and row.status == Status.PAST_DUE:
        until = statuses.compute_grace_end(row.status, row.past_due_since)
        yield Diagnosis(
            code="past_due",
            title="A payment failed",
            explanation=f"{_list_invoices(facts.open_invoices)} The organization has full access until"
            f" {format_moment(until) if until else 'it is fetched'}, then the features of the"
            " default plan. More seats are held until the customer pays, on the invoice's page or"
            " with another card in the portal.",
            remedies=(Remedy.REFRESH,),
        )
    elif row is not None and row.has_ended:
        yield Diagnosis(
            code="ended",
            title="The subscription has ended",
            explanation=f"{row.external_id} ended on {_format_end(row)}. The features of the"
            " default plan apply. An admin of the organization can buy a plan again.",
            is_trouble=False,
        )
    if unpaid := [one for one in facts.open_invoices if _is_of_ended(one)]:
        yield Diagnosis(
            code="ended_unpaid",
            title="A subscription ended with an open invoice",
            explanation=f"{_list_invoices(unpaid)} The unpaid time was not credited. The invoice"
            " stays open until the customer pays it on its page, or until you void it, which"
            " waives the amount for good.",
            remedies=(Remedy.VOID_INVOICES,),
        )


def _is_of_ended(invoice: Invoice) -> bool:
    return invoice.subscription is not None and invoice.subscription.has_ended


def _format_end(row: Subscription) -> str:
    return format_moment(row.ended_at or row.inactive_since or timezone.now())


def _list_invoices(invoices: Sequence[Invoice]) -> str:
    listed = [
        f"Invoice {one} asks for {format_amount(one.amount_due, one.currency)}." for one in invoices
    ]
    return " ".join(listed) or "No open invoice is stored here."
