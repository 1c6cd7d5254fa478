"""Preview what a change of a subscription costs, from the invoices that Stripe would make."""

from dataclasses import replace

import stripe

from billing.providers.errors import ProviderRefused, Refusal
from billing.providers.stripe import requests
from billing.providers.stripe.errors import translate_errors
from billing.providers.types import CostPreview, SeatChangeRequest, SubscriptionSnapshot
from billing.seat_rules import Proration


def preview_cost(
    client: stripe.StripeClient, request: SeatChangeRequest, current: SubscriptionSnapshot | None
) -> CostPreview:
    """Return what a change would cost, with the subscription as it is where its end is taken back.

    A charge at once, which a new period is too, takes what waited for the next invoice along. One
    below zero is credited to the customer's balance, which the next invoice uses:
    https://docs.stripe.com/billing/customer/balance
    """
    if request.proration != Proration.INVOICE_NOW and not request.begins_period:
        following = _fetch_invoice(client, request, current)
        due, currency = (following.amount_due, following.currency) if following else (0, "")
        return CostPreview(due_now=0, due_next_invoice=due, currency=currency.lower())
    now = _fetch_invoice(client, request, current)
    if now is None:
        return CostPreview(due_now=0, due_next_invoice=0, currency="")
    balance = min(0, now.starting_balance + now.total)
    following = _fetch_following(client, replace(request, proration=Proration.SILENT), current)
    return CostPreview(
        due_now=now.amount_due,
        credited_now=max(0, -now.total),
        due_next_invoice=max(0, following.total + balance) if following else 0,
        currency=now.currency.lower(),
    )


def _fetch_following(
    client: stripe.StripeClient, request: SeatChangeRequest, current: SubscriptionSnapshot | None
) -> stripe.Invoice | None:
    """Return the invoice after a charge at once, which has only the new period."""
    following = _fetch_invoice(client, request, current)
    if following is None or not any(_is_proration(line) for line in following.lines.data):
        return following
    return _fetch_invoice(client, request, current, is_recurring=True)


def _fetch_invoice(
    client: stripe.StripeClient,
    request: SeatChangeRequest,
    current: SubscriptionSnapshot | None,
    *,
    is_recurring: bool = False,
) -> stripe.Invoice | None:
    """Return the invoice that follows a change, or None where none does, as before an end."""
    body = requests.build_preview(request, current)
    if is_recurring:
        body["preview_mode"] = "recurring"
    try:
        with translate_errors():
            return client.v1.invoices.create_preview(body)
    except ProviderRefused as error:
        if error.refusal is not Refusal.NOTHING_UPCOMING:
            raise
        return None


def _is_proration(line: stripe.InvoiceLineItem) -> bool:
    parent = line.parent
    details = parent and (parent.subscription_item_details or parent.invoice_item_details)
    return bool(details and details.proration)
