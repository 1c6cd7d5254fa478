"""Charge no seat again that was charged in the same period."""

from datetime import timedelta

import pytest

from billing.models import Subscription
from billing.seats import preview
from billing.subscriptions import changes
from tests.billing.support import build_stripe_client, create_plan_price

SEAT_AMOUNT = 1_000


@pytest.fixture
def create_lowered_organization(create_organization):
    """Return a function that creates an organization which has paid for 4 seats and uses one."""

    def create(**terms):
        acme = create_organization(seats=4, removal_policy="no_credit", **terms).subscribe()
        remove_members(acme, 3)
        return acme

    return create


def remove_members(acme, number):
    for _ in range(number):
        acme.remove_member(acme.members.pop())
    acme.sync_seats()


def add_members(acme, number):
    acme.members += [acme.add_member() for _ in range(number)]
    acme.sync_seats()
    acme.sync_seats()  # the second of two steps is delayed


def list_sent_terms(acme):
    return [
        (int(request["body"]["items[0][quantity]"]), request["body"]["proration_behavior"])
        for request in acme.list_seat_requests()
    ]


def preview_next_invoice(acme):
    body = {"subscription": acme.subscription.external_id}
    return build_stripe_client().v1.invoices.create_preview(body).amount_due


def list_proration_quantities(acme):
    """Return the seats of pending debits and credits, credits below zero."""
    body = {"subscription": acme.subscription.external_id}
    lines = build_stripe_client().v1.invoices.create_preview(body).lines.data
    return [
        line.quantity if line.amount > 0 else -line.quantity
        for line in lines
        if line.parent.subscription_item_details.proration
    ]


def test_returning_members_are_not_charged_again(create_lowered_organization):
    acme = create_lowered_organization()
    cost = preview.preview_addition(organization=acme.row, seats=1)

    add_members(acme, 1)

    assert list_sent_terms(acme) == [(1, "none"), (2, "none")]
    assert preview_next_invoice(acme) == cost.amount_next_invoice == 2 * SEAT_AMOUNT
    assert (acme.subscription.paid_seats, acme.seat_state) == (4, "in_sync")


@pytest.mark.parametrize(
    ("policy", "behavior"),
    [("next_invoice", "create_prorations"), ("invoice_now", "always_invoice")],
)
def test_jump_across_the_paid_seats_charges_only_those_above(
    create_lowered_organization, policy, behavior
):
    acme = create_lowered_organization(addition_policy=policy)
    before = len(acme.list_invoices())
    cost = preview.preview_addition(organization=acme.row, seats=5)

    add_members(acme, 5)

    assert list_sent_terms(acme) == [(1, "none"), (4, "none"), (6, behavior)]
    made = acme.list_invoices()[:-before]
    assert sum(one.total for one in made) == cost.amount_due_now
    assert preview_next_invoice(acme) == cost.amount_next_invoice
    charged = cost.amount_due_now + cost.amount_next_invoice - 6 * SEAT_AMOUNT
    assert abs(charged - 2 * SEAT_AMOUNT) <= 2  # two seats for a period that has just begun
    assert (acme.subscription.paid_seats, acme.seat_state) == (6, "in_sync")


def test_seats_that_left_before_a_taken_back_end_return_without_charge(create_organization):
    acme = create_organization(seats=4).subscribe()
    changes.cancel_subscription(organization=acme.row)
    remove_members(acme, 3)
    changes.resume_subscription(organization=acme.row)

    add_members(acme, 3)

    assert list_sent_terms(acme) == [(1, "none"), (4, "none")]
    assert list_proration_quantities(acme) == []


def test_credited_seats_are_charged_when_they_return(create_organization):
    acme = create_organization(seats=4).subscribe()
    remove_members(acme, 3)
    assert acme.subscription.paid_seats == 1

    add_members(acme, 3)

    assert list_sent_terms(acme) == [(1, "create_prorations"), (4, "create_prorations")]
    assert sum(list_proration_quantities(acme)) == 0


def test_trial_has_no_paid_seats(create_organization):
    acme = create_organization(seats=3, trial_days=14, removal_policy="no_credit").subscribe()

    remove_members(acme, 1)

    assert (acme.subscription.status, acme.subscription.paid_seats) == ("trialing", None)


def test_another_price_sets_the_paid_seats(create_lowered_organization):
    acme = create_lowered_organization()

    changes.change_price(organization=acme.row, price=create_plan_price(removal_policy="no_credit"))
    add_members(acme, 1)

    assert list_sent_terms(acme)[-1] == (2, "create_prorations")
    assert acme.subscription.paid_seats == 2


def test_new_period_sets_the_paid_seats(create_lowered_organization):
    acme = create_lowered_organization()
    # Stripe's times are whole seconds: the old period must not have begun in this one.
    Subscription.objects.filter(pk=acme.subscription.pk).update(
        current_period_start=acme.subscription.current_period_start - timedelta(days=1)
    )
    body = {"billing_cycle_anchor": {"type": "now"}}
    build_stripe_client().v1.subscriptions.update(acme.subscription.external_id, body)
    acme.edit_at_stripe(metadata={})

    assert acme.subscription.paid_seats == 1
    add_members(acme, 1)

    assert list_sent_terms(acme)[-1] == (2, "create_prorations")


def test_returning_members_are_charged_once_after_a_late_payment(create_organization):
    acme = create_organization(seats=4).subscribe()
    acme.edit_at_stripe(status="past_due")
    remove_members(acme, 3)
    add_members(acme, 3)
    assert acme.seat_state == "held"

    acme.edit_at_stripe(status="active")
    acme.sync_seats()

    assert list_sent_terms(acme) == [(1, "none"), (4, "none")]
    assert list_proration_quantities(acme) == []


def test_seats_edited_away_at_stripe_are_charged_when_they_return(create_organization):
    acme = create_organization(seats=4, removal_policy="no_credit").subscribe()

    acme.edit_at_stripe(quantity=1)
    acme.sync_seats()

    assert list_sent_terms(acme) == [(4, "create_prorations")]
    assert sum(list_proration_quantities(acme)) == 0
