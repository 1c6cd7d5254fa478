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
    elif row is not None and row.status in (Status.UNPAID, Status.PAUSED):
        yield _explain_limited_access(facts, row)
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


def explain_paused_collection(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain that invoices are made and not collected, while access is full."""
    row, name = facts.current, facts.provider_name
    if row is not None and row.is_collection_paused and not row.has_ended:
        yield Diagnosis(
            code="collection_paused",
            title="Payments are not collected",
            explanation=f"Someone paused the collection of {row.external_id} at {name}. Its invoices"
            f" are made and not collected, until the collection is resumed at {name}.",
            remedies=(Remedy.REFRESH,),
            is_trouble=False,
        )


def _explain_limited_access(facts: BillingFacts, row: Subscription) -> Diagnosis:
    way_out = (
        "It ends when an admin adds a payment method in the portal and resumes the subscription."
        if row.status == Status.PAUSED
        else f"{_list_invoices(facts.open_invoices)} It ends when the customer has paid and"
        f" {facts.provider_name} reports the subscription as active."
    )
    return Diagnosis(
        code="access_limited",
        title=f"Access is limited: the subscription is {row.status}",
        explanation=f"The organization has the features of the default plan. {way_out}",
        remedies=(Remedy.REFRESH,),
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
