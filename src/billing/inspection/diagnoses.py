"""Explain in sentences what differs, and name the actions that repair it.

Nothing here reads a row or asks the provider: `BillingFacts` holds all that is compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import models
from django.utils import timezone

from billing import statuses
from billing.inspection.facts import BillingFacts
from billing.models import Invoice, Subscription
from billing.money import format_amount
from billing.notices.drafts import format_moment
from billing.providers.types import SubscriptionSnapshot
from billing.seat_rules import Mode, State
from billing.statuses import ENDED_STATUSES, SeatItem, Status


class Remedy(models.TextChoices):
    """The actions of staff that repair what an organization's billing page explains."""

    REFRESH = "refresh", "Fetch from the provider and sync"
    CORRECT_QUANTITY = "correct_quantity", "Send the counted seats"
    ADOPT_MINIMUM = "adopt_minimum", "Adopt as purchased minimum"
    DROP_MINIMUM = "drop_minimum", "Drop the purchased minimum"
    END_MISSING = "end_missing", "End the subscription here"
    VOID_INVOICES = "void_invoices", "Void the open invoices"
    SEND_CONTRACT = "send_contract", "Bill the agreed seats"
    AGREE_BILLED = "agree_billed", "Agree to the billed seats"
    AGREE_COUNTED = "agree_counted", "Agree to the counted seats"
    END_CONTRACT = "end_contract", "End the contract, bill the counted seats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that staff should know, with the actions that repair it.

    `is_trouble` is False where nothing has to be done.
    """

    code: str
    title: str
    explanation: str
    remedies: tuple[Remedy, ...] = ()
    is_trouble: bool = True


type Rule = Callable[[BillingFacts], Iterator[Diagnosis]]


def diagnose(facts: BillingFacts) -> list[Diagnosis]:
    """Return all that applies to an organization, troubles first."""
    found = [diagnosis for rule in RULES for diagnosis in rule(facts)]
    return sorted(found, key=lambda diagnosis: not diagnosis.is_trouble)


def _explain_answer(facts: BillingFacts) -> Iterator[Diagnosis]:
    if facts.answer.error:
        yield Diagnosis(
            code="provider_unavailable",
            title="The provider was not compared",
            explanation=f"{facts.answer.error} The numbers below are those stored here, and what"
            " they show may have changed since. Open this page again later.",
        )


def _explain_customer(facts: BillingFacts) -> Iterator[Diagnosis]:
    customer_id, name = facts.customer.external_id, facts.provider_name
    if facts.answer.customer is not None and facts.answer.customer.is_deleted:
        yield Diagnosis(
            code="customer_deleted",
            title=f"The customer was deleted at {name}",
            explanation=f"{name} has deleted {customer_id} and ended its subscriptions. Fetching"
            " stores that and unlinks the customer. An admin of the organization can then buy"
            " again, which creates another customer.",
            remedies=(Remedy.REFRESH,),
        )
    elif facts.answer.is_customer_unknown:
        yield Diagnosis(
            code="customer_unknown",
            title=f"{name} does not know the customer",
            explanation=f"{customer_id} is of another account, or of test data that was wiped."
            " Check the secret key first. If the key is right, fetching unlinks the customer,"
            " as soon as no subscription of it lives here.",
            remedies=(Remedy.REFRESH,),
        )


def _explain_subscription(facts: BillingFacts) -> Iterator[Diagnosis]:
    row, found = facts.seats.subscription, facts.live_answer
    if row is None or facts.answer.error:
        return
    name = facts.provider_name
    if found is None:
        remedy = Remedy.END_MISSING if row.missing_since else Remedy.REFRESH
        yield Diagnosis(
            code="subscription_missing",
            title=f"{name} does not know the subscription",
            explanation=f"{row.external_id} lives here and is unknown at {name}: it is of another"
            " account, or was deleted there. Fetching marks it as missing. Once it is marked, end"
            " it here, unless the secret key is the wrong one.",
            remedies=(remedy,),
        )
    elif found.status != row.status:
        yield Diagnosis(
            code="status_differs",
            title=f"The subscription is {found.status} at {name}",
            explanation=f"{row.external_id} is stored as {row.status}, because an event was lost"
            " or is on its way. Fetching stores what the provider has.",
            remedies=(Remedy.REFRESH,),
        )


def _explain_other_subscriptions(facts: BillingFacts) -> Iterator[Diagnosis]:
    stored = {row.external_id for row in facts.rows}
    for found in facts.answer.subscriptions:
        if found.status in ENDED_STATUSES or found.external_id in stored:
            continue
        is_ours = any(item.price_id in facts.our_price_ids for item in found.items)
        yield _explain_unstored(facts, found) if is_ours else _explain_foreign(facts, found)
    for row in facts.rows:
        if row.is_surplus and not row.has_ended:
            yield Diagnosis(
                code="surplus_subscription",
                title="There is a second live subscription",
                explanation=f"{row.external_id} was created at {facts.provider_name} next to the"
                " one that counts. It gives nothing here and is charged there. Cancel one of the"
                " two there, and fetch.",
                remedies=(Remedy.REFRESH,),
            )


def _explain_unstored(facts: BillingFacts, found: SubscriptionSnapshot) -> Diagnosis:
    return Diagnosis(
        code="subscription_not_stored",
        title="A subscription is not stored here",
        explanation=f"{found.external_id} is {found.status} at {facts.provider_name}, has a price"
        " of our catalog, and its events were lost. Fetching stores it.",
        remedies=(Remedy.REFRESH,),
    )


def _explain_foreign(facts: BillingFacts, found: SubscriptionSnapshot) -> Diagnosis:
    """Explain a subscription without a price of our catalog, which is another product's."""
    sold = ", ".join(item.price_id for item in found.items)
    return Diagnosis(
        code="foreign_subscription",
        title="The customer has a subscription that is not ours",
        explanation=f"{found.external_id} sells {sold}, which is not in the catalog. It gives no"
        " plan, blocks no purchase, and is never changed or cancelled from here. If it is another"
        " product's, leave it. If the organization should have a plan by it, replace its price at"
        f" {facts.provider_name} by one of the catalog (the page Prices has the ids), and fetch.",
        remedies=(Remedy.REFRESH,),
        is_trouble=False,
    )


def _explain_payment(facts: BillingFacts) -> Iterator[Diagnosis]:
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


def _explain_contract(facts: BillingFacts) -> Iterator[Diagnosis]:
    seats, billed = facts.seats, _get_billed(facts)
    row = seats.row
    if row.mode != Mode.MANUAL or seats.subscription is None:
        return
    agreed = row.contract_seats or billed
    yield Diagnosis(
        code="contract",
        title="A contract fixes the seats",
        explanation=f"{agreed} seats are agreed, {billed} are billed, {seats.count.counted} are"
        " counted. Members change nothing of what is billed.",
        remedies=(Remedy.END_CONTRACT,),
        is_trouble=False,
    )
    if billed != agreed:
        yield Diagnosis(
            code="contract_not_billed",
            title="Not what was agreed is billed",
            explanation=f"The contract says {agreed} seats, {facts.provider_name} bills {billed}."
            " Send the agreed number, charged by the plan's policies, or agree to what is billed.",
            remedies=(Remedy.SEND_CONTRACT, Remedy.AGREE_BILLED),
        )
    if agreed is not None and seats.count.counted > agreed:
        yield Diagnosis(
            code="contract_exceeded",
            title="More seats are used than agreed",
            explanation=f"{seats.count.counted} seats are counted and {agreed} agreed. Agree to"
            " the counted number and bill it, or let the customer remove members.",
            remedies=(Remedy.AGREE_COUNTED,),
        )


def _explain_seats(facts: BillingFacts) -> Iterator[Diagnosis]:
    seats = facts.seats
    if seats.row.mode == Mode.MANUAL or seats.subscription is None:
        return
    if seats.subscription.purchased_seats is not None:
        yield Diagnosis(
            code="purchased_minimum",
            title="Seats were purchased in advance",
            explanation=f"At least {seats.subscription.purchased_seats} seats are billed, because"
            " staff adopted an edit of the quantity. Dropping that bills the counted seats again,"
            " by the plan's policy for removals.",
            remedies=(Remedy.DROP_MINIMUM,),
            is_trouble=False,
        )
    if seats.subscription.seat_item != SeatItem.FOUND:
        yield Diagnosis(
            code="misconfigured",
            title="The seats have no item of their own",
            explanation=f"{seats.subscription.external_id} has no item with a price of the catalog,"
            " or several. No quantity is sent. Leave exactly one such item at"
            f" {facts.provider_name}, and fetch.",
            remedies=(Remedy.REFRESH,),
        )
    elif _has_drifted(facts):
        yield _explain_drift(facts)
    else:
        yield from _explain_state(facts)


def _has_drifted(facts: BillingFacts) -> bool:
    """Return whether the quantity was edited at the provider, whether or not it is stored already."""
    seats, now = facts.seats, facts.provider_quantity
    assert seats.subscription is not None  # noqa: S101 - asked with a subscription only
    is_unseen = now is not None and now != seats.subscription.quantity
    is_marked = seats.row.drifted_since is not None and _get_billed(facts) != seats.inputs.target
    return seats.attempt is None and (is_unseen or is_marked)


def _explain_drift(facts: BillingFacts) -> Diagnosis:
    seats, billed = facts.seats, _get_billed(facts)
    target, corrects = seats.inputs.target, seats.inputs.policy.corrects_drift
    follows = (
        "The plan corrects it as soon as its event arrives or a job compares."
        if corrects
        else "The plan reports it and leaves it to staff."
    )
    remedies: tuple[Remedy, ...] = (Remedy.CORRECT_QUANTITY,)
    if billed == target:
        follows, remedies = "It equals the seats to bill; fetching stores it.", (Remedy.REFRESH,)
    elif billed is not None and billed > target:
        follows += " If the customer bought that many, adopt it: no fewer are billed from then on."
        remedies += (Remedy.ADOPT_MINIMUM,)
    return Diagnosis(
        code="drifted",
        title=f"The quantity was edited at {facts.provider_name}",
        explanation=f"{facts.provider_name} bills {billed}, and {target} are to be billed for"
        f" {seats.count.counted} counted seats. {follows}",
        remedies=remedies,
    )


def _explain_state(facts: BillingFacts) -> Iterator[Diagnosis]:
    seats = facts.seats
    target, billed = seats.inputs.target, _get_billed(facts)
    explanations = {
        State.PENDING: f"{target} seats are to be billed instead of {billed}. A job sends the"
        f" number within a minute, and again while the provider does not answer."
        f" {seats.row.last_error}",
        State.FAILED: f"{seats.row.last_error}. Remove the cause at {facts.provider_name}, and"
        f" fetch: {target} seats are sent again.",
        State.HELD: f"{target} seats are to be billed instead of {billed}. {_explain_hold(facts)}",
        State.OVER_LIMIT: f"{seats.count.counted} seats are counted and the plan has"
        f" {seats.plan.maximum_seats}. All are billed, and no invitation is possible. The customer"
        " removes members or changes the plan.",
    }
    state = seats.decide().state
    if state in explanations:
        yield Diagnosis(
            code=f"seats_{state}",
            title=f"The seats are {State(state).label.lower()}",
            explanation=explanations[state].strip(),
            remedies=(Remedy.REFRESH,) if state in (State.PENDING, State.FAILED) else (),
        )


def _explain_hold(facts: BillingFacts) -> str:
    until = facts.seats.row.held_until
    if until is not None and until > timezone.now():
        return f"The provider takes the change later. It is sent again on {format_moment(until)}."
    return "The subscription's status takes no such change. It is sent when the customer has paid."


def _get_billed(facts: BillingFacts) -> int | None:
    """Return the quantity at the provider now, or the stored one where it is not known."""
    now = facts.provider_quantity
    stored = facts.seats.subscription.quantity if facts.seats.subscription else None
    return stored if now is None else now


RULES: Final[tuple[Rule, ...]] = (
    _explain_answer,
    _explain_customer,
    _explain_subscription,
    _explain_other_subscriptions,
    _explain_payment,
    _explain_contract,
    _explain_seats,
)
