"""Check each line of the table of seat rules in docs/guides/seats.md."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.providers.stripe.terms import SEAT_TERMS
from billing.seat_rules import (
    Mode,
    Proration,
    SeatDecision,
    SeatInputs,
    SeatPolicy,
    State,
    compute_paid_seats,
    compute_target,
    decide_seats,
    has_room,
)
from billing.statuses import SeatItem

PLAN = SeatPolicy()
NEXT, NOW, NO_PRORATION = Proration.NEXT_INVOICE, Proration.INVOICE_NOW, Proration.SILENT


def build_inputs(counted=5, observed=5, status="active", policy=PLAN, **more):
    terms = {"terms": SEAT_TERMS} | more
    return SeatInputs(counted=counted, observed=observed, status=status, policy=policy, **terms)


@pytest.mark.parametrize(
    ("counted", "minimum", "seats"),
    [(0, 1, 1), (1, 1, 1), (7, 1, 7), (0, 3, 3), (2, 3, 3), (4, 3, 4), (0, 0, 1)],
)
def test_target_has_a_minimum_and_no_maximum(counted, minimum, seats):
    assert compute_target(counted, SeatPolicy(minimum=minimum, maximum=3)) == seats


@given(counted=st.integers(0, 10_000), minimum=st.integers(0, 100))
def test_target_never_bills_fewer_than_counted_and_never_zero(counted, minimum):
    seats = compute_target(counted, SeatPolicy(minimum=minimum))

    assert seats >= max(counted, 1)
    assert seats in (counted, minimum, 1)


@pytest.mark.parametrize(
    ("status", "grows", "shrinks"),
    [
        ("trialing", NO_PRORATION, NO_PRORATION),
        ("active", NEXT, NEXT),
        ("past_due", None, NO_PRORATION),
        ("unpaid", None, None),
        ("paused", None, None),
        ("incomplete", None, None),
        ("invented_tomorrow", None, None),
    ],
)
def test_status_decides_what_may_be_sent(status, grows, shrinks):
    more, fewer = build_inputs(6, 5, status), build_inputs(4, 5, status)

    assert decide_seats(more).proration == grows
    assert decide_seats(fewer).proration == shrinks
    held = [decide_seats(one).state for one in (more, fewer) if decide_seats(one).proration is None]
    assert all(state == State.HELD for state in held)


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired", None])
def test_ended_subscription_is_never_sent(status):
    assert decide_seats(build_inputs(9, 5, status)) == SeatDecision(State.NONE)


@pytest.mark.parametrize(
    ("policy", "counted", "is_ending", "proration"),
    [
        (SeatPolicy(), 6, False, NEXT),
        (SeatPolicy(invoices_additions_now=True), 6, False, NOW),
        (SeatPolicy(), 4, False, NEXT),
        (SeatPolicy(invoices_additions_now=True), 4, False, NEXT),
        (SeatPolicy(credits_removals=False), 4, False, NO_PRORATION),
        (SeatPolicy(), 6, True, NEXT),
        (SeatPolicy(invoices_additions_now=True), 6, True, NOW),
        (SeatPolicy(), 4, True, NO_PRORATION),
    ],
)
def test_plan_decides_how_an_active_change_is_charged(policy, counted, is_ending, proration):
    inputs = build_inputs(counted, 5, policy=policy, is_ending=is_ending)

    assert decide_seats(inputs) == SeatDecision(State.PENDING, proration)


@pytest.mark.parametrize(
    "status", ["trialing", "active", "past_due", "unpaid", "paused", "incomplete"]
)
def test_equal_numbers_are_in_sync_and_send_nothing(status):
    assert decide_seats(build_inputs(5, 5, status)) == SeatDecision(State.IN_SYNC)


def test_minimum_is_applied_before_the_comparison():
    empty = build_inputs(0, 3, policy=SeatPolicy(minimum=3))

    assert decide_seats(empty) == SeatDecision(State.IN_SYNC)


def test_more_than_the_maximum_is_billed_and_shown():
    policy = SeatPolicy(maximum=5)

    assert decide_seats(build_inputs(6, 5, policy=policy)) == SeatDecision(State.PENDING, NEXT)
    assert decide_seats(build_inputs(6, 6, policy=policy)) == SeatDecision(State.OVER_LIMIT)
    assert decide_seats(build_inputs(6, None, None, policy=policy)) == SeatDecision(
        State.OVER_LIMIT
    )
    assert decide_seats(build_inputs(5, 5, policy=policy)) == SeatDecision(State.IN_SYNC)


@pytest.mark.parametrize("contract", [None, 7])
@pytest.mark.parametrize("counted", [4, 5, 6])
def test_contract_quantity_is_never_sent(counted, contract):
    agreed = build_inputs(counted, mode=Mode.MANUAL, contract=contract)

    assert decide_seats(agreed) == SeatDecision(State.MANUAL)


def test_contract_quantity_is_sent_once_staff_ask_for_it():
    ordered = build_inputs(3, 5, mode=Mode.MANUAL, contract=7, sends_contract=True)

    assert decide_seats(ordered) == SeatDecision(State.PENDING, NEXT)
    assert decide_seats(replace(ordered, observed=7)) == SeatDecision(State.MANUAL)
    assert decide_seats(replace(ordered, status=None)) == SeatDecision(State.NONE)


@pytest.mark.parametrize("item", [SeatItem.MISSING, SeatItem.SEVERAL])
def test_missing_or_ambiguous_item_is_never_sent(item):
    assert decide_seats(build_inputs(6, seat_item=item)) == SeatDecision(State.MISCONFIGURED)


def test_drift_is_corrected_unless_the_plan_reports_it():
    edited = build_inputs(5, 50, has_drifted=True)
    reports = replace(edited, policy=SeatPolicy(corrects_drift=False))

    assert decide_seats(edited) == SeatDecision(State.DRIFTED, NEXT)
    assert decide_seats(replace(edited, is_in_flight=True)) == SeatDecision(State.PENDING, NEXT)
    assert decide_seats(reports) == SeatDecision(State.DRIFTED)
    assert decide_seats(replace(reports, has_drifted=False)) == SeatDecision(State.PENDING, NEXT)


def test_quantity_is_held_while_the_provider_asks_to_wait():
    assert decide_seats(build_inputs(6, 5, is_held=True)) == SeatDecision(State.HELD)


def test_refused_quantity_is_not_sent_again_until_it_changes():
    refused = build_inputs(6, 5, failed_quantity=6)

    assert decide_seats(refused) == SeatDecision(State.FAILED)
    assert decide_seats(replace(refused, counted=7)) == SeatDecision(State.PENDING, NEXT)
    assert decide_seats(replace(refused, is_in_flight=True)) == SeatDecision(State.PENDING, NEXT)


@given(
    counted=st.integers(0, 50),
    observed=st.integers(0, 50),
    status=st.sampled_from(["trialing", "active", "past_due", "unpaid", "canceled", None, "new"]),
    drifted=st.booleans(),
    corrects=st.booleans(),
    minimum=st.integers(1, 5),
)
def test_nothing_is_sent_twice(counted, observed, status, drifted, corrects, minimum):
    policy = SeatPolicy(minimum=minimum, corrects_drift=corrects)
    before = build_inputs(counted, observed, status, policy, has_drifted=drifted)

    after = replace(before, observed=before.target, has_drifted=False)

    assert decide_seats(after).proration is None


@pytest.mark.parametrize(
    ("taken", "maximum", "fits"), [(4, 5, True), (5, 5, False), (6, 5, False), (900, None, True)]
)
def test_free_seats_exclude_reserved_ones(taken, maximum, fits):
    assert has_room(taken=taken, wanted=1, policy=SeatPolicy(maximum=maximum)) is fits


@pytest.mark.parametrize(
    ("contract", "observed", "target"), [(7, 2, 7), (None, 2, 2), (None, None, 3)]
)
def test_contract_fixes_the_target(contract, observed, target):
    inputs = build_inputs(3, mode=Mode.MANUAL, contract=contract, observed=observed)

    assert inputs.target == target


@pytest.mark.parametrize(
    ("observed", "counted", "quantity", "proration"),
    [
        (1, 2, 2, NO_PRORATION),  # paid for already
        (1, 4, 4, NO_PRORATION),
        (1, 6, 4, NO_PRORATION),  # the first of two steps
        (4, 6, 6, NEXT),  # the second one
        (2, 1, 1, NEXT),
        (5, 6, 6, NEXT),
    ],
)
@pytest.mark.parametrize("is_ending", [False, True])
def test_paid_seats_are_added_without_charge(observed, counted, quantity, proration, is_ending):
    inputs = build_inputs(counted, observed, paid=4, is_ending=is_ending)
    expected = NO_PRORATION if is_ending and counted < observed else proration

    assert (inputs.next_quantity, decide_seats(inputs).proration) == (quantity, expected)


def test_paid_seats_are_held_while_a_payment_is_due():
    assert decide_seats(build_inputs(3, 1, "past_due", paid=4)) == SeatDecision(State.HELD)


def test_refused_first_step_is_not_sent_again():
    refused = build_inputs(6, 1, paid=4, failed_quantity=4)

    assert decide_seats(refused) == SeatDecision(State.FAILED)


@pytest.mark.parametrize("status", ["trialing", "incomplete", "paused", "canceled", "unknown"])
def test_uncharged_status_has_no_paid_seats(status):
    assert compute_paid_seats(status=status, quantity=4, before=4) is None


@pytest.mark.parametrize(
    ("change", "paid"),
    [
        ({"before": None}, 2),  # a purchase, or the first charge after a trial
        ({"is_new_period": True, "quantity": 6}, 6),
        ({"quantity": None}, None),  # no seat item
        ({"is_changed": False}, 4),
        ({"proration": NO_PRORATION}, 4),
        ({"proration": NEXT}, 2),  # credited
        ({"proration": NOW, "quantity": 6}, 6),
        ({"proration": None}, 2),  # edited at the provider
        ({"proration": None, "quantity": 6}, 4),
    ],
)
def test_charges_and_credits_set_the_paid_seats(change, paid):
    known = {"status": "active", "quantity": 2, "before": 4, "is_changed": True}

    assert compute_paid_seats(**(known | change)) == paid


@given(
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=12),
    credits_removals=st.booleans(),
    is_now=st.booleans(),
)
def test_any_changes_within_a_period_charge_each_seat_once(counts, credits_removals, is_now):
    """Debits are credited as a whole by a prorated change, as Stripe's flexible billing mode does."""
    policy = SeatPolicy(credits_removals=credits_removals, invoices_additions_now=is_now)
    observed = paid = debited = expected = 3
    for counted in counts:
        for _ in range(2):
            inputs = build_inputs(counted, observed, policy=policy, paid=paid)
            proration = decide_seats(inputs).proration
            if proration is None:
                break
            debited = debited if proration == NO_PRORATION else inputs.next_quantity
            observed = inputs.next_quantity
            paid = compute_paid_seats(
                status="active",
                quantity=observed,
                before=paid,
                is_changed=True,
                proration=proration,
            )
        expected = counted if credits_removals else max(expected, counted)
        assert (observed, paid, debited) == (counted, expected, expected)
