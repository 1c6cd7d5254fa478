"""Decide what to do about seats, by pure functions.

Nothing here reads a clock, a row or a vendor, so that every line of the table can be tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from django.db import models

from billing.statuses import ENDED_STATUSES, SeatItem, Status


class State(models.TextChoices):
    """Where an organization's seats stand."""

    IN_SYNC = "in_sync"
    PENDING = "pending"
    FAILED = "failed"
    HELD = "held"
    DRIFTED = "drifted"
    OVER_LIMIT = "over_limit"
    MISCONFIGURED = "misconfigured"
    MANUAL = "manual"
    NONE = "none"


class Mode(models.TextChoices):
    """Whether the quantity follows the members, or a contract fixes it."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Proration(models.TextChoices):
    """How a change within a period is charged."""

    NEXT_INVOICE = "next_invoice"
    INVOICE_NOW = "invoice_now"
    SILENT = "silent"


class Charge(Enum):
    """How a provider takes a change of seats in one status."""

    BY_POLICY = auto()  # as the plan says
    SILENT = auto()  # without any charge or credit
    HELD = auto()  # not at all, until the status changes


@dataclass(frozen=True, slots=True)
class SeatTerms:
    """What one provider accepts, by status and whether an end is scheduled.

    Each entry holds the charge for more seats and for fewer. A status that is not listed is held.
    """

    charges: Mapping[tuple[str, bool], tuple[Charge, Charge]]

    def find_charge(self, status: str | None, *, is_ending: bool, grows: bool) -> Charge:
        """Return how a change in this status is charged."""
        more, fewer = self.charges.get((status or "", is_ending), (Charge.HELD, Charge.HELD))
        return more if grows else fewer


NO_TERMS = SeatTerms({})
# In these the current period has been charged, whether or not it was paid. An unknown one is not here.
CHARGED_STATUSES: Final = (Status.ACTIVE, Status.PAST_DUE, Status.UNPAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatPolicy:
    """A plan's rules for seats."""

    minimum: int = 1
    maximum: int | None = None
    invoices_additions_now: bool = False
    credits_removals: bool = True
    corrects_drift: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatInputs:
    """The inputs of the decision.

    The count, the subscription, and the quantity last read.
    """

    counted: int
    policy: SeatPolicy
    status: str | None
    observed: int | None = None
    is_ending: bool = False
    seat_item: str = SeatItem.FOUND
    mode: str = Mode.AUTOMATIC
    contract: int | None = None
    sends_contract: bool = False  # staff asked for the agreed number to be sent
    has_drifted: bool = False
    is_in_flight: bool = False
    failed_quantity: int | None = None
    terms: SeatTerms = NO_TERMS
    is_held: bool = False  # the provider has asked to wait
    paid: int | None = None  # the most seats charged in this period, and not credited

    @property
    def target(self) -> int:
        """Return the number of seats to bill, in manual mode what was agreed."""
        agreed = self.contract or self.observed
        if self.mode == Mode.MANUAL and agreed:
            return agreed
        return compute_target(self.counted, self.policy)

    @property
    def next_quantity(self) -> int:
        """Return the quantity to send next, on the way to the target.

        Seats up to the paid ones cost nothing and those above them do, so that they take two steps.
        """
        if self.paid is not None and (self.observed or 0) < self.paid < self.target:
            return self.paid
        return self.target

    @property
    def is_over_limit(self) -> bool:
        """Return whether more seats are taken than the plan allows.

        They are billed all the same.
        """
        return self.policy.maximum is not None and self.counted > self.policy.maximum


@dataclass(frozen=True, slots=True)
class SeatDecision:
    """The state to show, and how to charge what is sent.

    None sends nothing.
    """

    state: State
    proration: Proration | None = None


def compute_target(counted: int, policy: SeatPolicy) -> int:
    """Return the seats to bill, at least the plan's minimum, never 0, never capped by the maximum."""
    return max(policy.minimum, counted, 1)


def compute_paid_seats(
    *,
    status: str,
    quantity: int | None,
    before: int | None = None,
    is_new_period: bool = False,
    is_changed: bool = False,
    proration: Proration | None = None,
) -> int | None:
    """Return the most seats that were charged in the current period and not credited.

    `before` is the same number before the update; `proration` is that of our change of the quantity,
    None for an edit at the provider. Where nothing is charged, as in a trial, the result is None.

    How an edit was charged is not known. One to fewer seats counts as credited, and one to more
    seats as not charged: the next addition is then prorated, which charges only the difference
    from what was really debited.
    """
    if status not in CHARGED_STATUSES or quantity is None:
        return None
    if before is None or is_new_period:
        return quantity
    if not is_changed or proration == Proration.SILENT:
        return before
    return min(before, quantity) if proration is None else quantity


def has_room(*, taken: int, wanted: int, policy: SeatPolicy) -> bool:
    """Return whether `wanted` more seats fit.

    `taken` includes reserved ones and pending changes.
    """
    return policy.maximum is None or taken + wanted <= policy.maximum


def decide_seats(inputs: SeatInputs) -> SeatDecision:
    """Return what to send now, if anything, and the resulting state."""
    if refusal := _find_read_only_state(inputs):
        return SeatDecision(refusal)
    if inputs.observed == inputs.target:
        return SeatDecision(_get_settled_state(inputs))
    if inputs.has_drifted and not inputs.policy.corrects_drift:
        return SeatDecision(State.DRIFTED)
    proration = _choose_proration(inputs)
    if proration is None or inputs.is_held:
        return SeatDecision(State.HELD)
    if inputs.failed_quantity == inputs.next_quantity and not inputs.is_in_flight:
        return SeatDecision(State.FAILED)
    is_drift = inputs.has_drifted and not inputs.is_in_flight
    return SeatDecision(State.DRIFTED if is_drift else State.PENDING, proration)


def _find_read_only_state(inputs: SeatInputs) -> State | None:
    if inputs.status is None or inputs.status in ENDED_STATUSES:
        return State.OVER_LIMIT if inputs.is_over_limit else State.NONE
    if inputs.mode == Mode.MANUAL and not inputs.sends_contract:
        return State.MANUAL
    if inputs.seat_item != SeatItem.FOUND:
        return State.MISCONFIGURED
    return None


def _get_settled_state(inputs: SeatInputs) -> State:
    if inputs.mode == Mode.MANUAL:
        return State.MANUAL
    return State.OVER_LIMIT if inputs.is_over_limit else State.IN_SYNC


def _choose_proration(inputs: SeatInputs) -> Proration | None:
    """Return how to charge the difference, or None when it may not be sent."""
    grows = inputs.target > (inputs.observed or 0)
    charge = inputs.terms.find_charge(inputs.status, is_ending=inputs.is_ending, grows=grows)
    is_paid = grows and inputs.paid is not None and inputs.next_quantity <= inputs.paid
    match charge:
        case Charge.HELD:
            return None
        case Charge.SILENT:
            return Proration.SILENT
        case _ if is_paid:
            return Proration.SILENT
        case Charge.BY_POLICY if grows:
            is_now = inputs.policy.invoices_additions_now
            return Proration.INVOICE_NOW if is_now else Proration.NEXT_INVOICE
        case Charge.BY_POLICY:
            return Proration.NEXT_INVOICE if inputs.policy.credits_removals else Proration.SILENT
