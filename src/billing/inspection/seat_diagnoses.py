"""Explain where the seats stand, and what a contract or an edit at the provider changes."""

from collections.abc import Iterator

from django.utils import timezone

from billing.inspection.diagnosis import Diagnosis, Remedy
from billing.inspection.facts import BillingFacts
from billing.notices.drafts import format_moment
from billing.seat_rules import Mode, State
from billing.statuses import SeatItem


def explain_contract(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain a contract, and where it differs from what is billed or counted."""
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


def explain_seats(facts: BillingFacts) -> Iterator[Diagnosis]:
    """Explain a purchased minimum, an edited quantity and a count that is not billed."""
    seats = facts.seats
    is_contract = seats.row.mode == Mode.MANUAL
    if seats.subscription is None or (is_contract and not seats.row.sends_contract):
        return
    if seats.subscription.purchased_seats is not None and not is_contract:
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
    elif not is_contract and _has_drifted(facts):
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
