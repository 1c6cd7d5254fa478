"""Adopt an edit in Stripe's dashboard as the number of seats that a customer has purchased."""

import pytest

from billing.errors import SubscriptionNotChangeable
from billing.seat_sync import reconcile
from billing.subscriptions import changes, purchased_seats
from events.models import Event
from tenancy import routing
from tests.billing.billing_page import edit_quantity
from tests.billing.support import create_plan_price


@pytest.fixture
def purchased_organization(create_organization, page):
    """Create an organization of two members that has purchased four seats."""
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 4)
    page(acme).press("adopt_minimum")
    return acme


def test_edit_is_adopted_by_staff_and_no_longer_corrected(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 4)

    adopted = page(acme).press("adopt_minimum")

    assert (adopted.codes, adopted.numbers) == (["purchased_minimum"], (2, 4, 4, 4))
    assert acme.sync_seats().seat_state == "in_sync"
    reconcile.reconcile_organization(organization_id=acme.row.pk, corrects_drift=True)
    assert acme.billed_quantity == 4
    assert (acme.report.minimum, acme.report.counted, acme.report.target) == (4, 2, 4)


def test_adoption_is_in_the_ledger_and_in_the_audit_trail(purchased_organization):
    acme = purchased_organization

    change = acme.row.seat_changes.first()
    assert (change.reason, change.target, change.actor_kind) == ("minimum_changed", 4, "operator")
    with routing.activate(acme.row):
        event = Event.objects.get(type="seats.minimum_changed")
    assert event.changes == {"minimum": [None, 4]}
    assert event.actor_kind == "operator"


def test_purchased_seats_are_filled_before_another_is_billed(purchased_organization):
    acme = purchased_organization
    sent = len(acme.list_seat_requests())

    acme.add_member()
    acme.add_member()
    acme.sync_seats()
    assert len(acme.list_seat_requests()) == sent
    fifth = acme.add_member()
    acme.sync_seats()
    assert acme.billed_quantity == 5

    acme.remove_member(fifth)
    acme.remove_member(acme.members[0])
    acme.sync_seats()
    assert (acme.billed_quantity, acme.report.counted) == (4, 3)


def test_dropped_minimum_bills_the_counted_seats(purchased_organization, page):
    acme = purchased_organization

    assert page(acme).press("drop_minimum").codes == []

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert acme.row.seat_changes.first().reason == "minimum_changed"


def test_purchased_seats_move_to_another_plan_and_end_with_the_subscription(
    purchased_organization,
):
    acme = purchased_organization

    changed = changes.change_price(organization=acme.row, price=create_plan_price())
    assert changed.quantity == 4

    changes.end_subscription_now(organization=acme.row)
    acme.subscribe()
    assert (acme.billed_quantity, acme.report.minimum) == (2, 1)


@pytest.mark.parametrize("quantity", [1, 2])
def test_quantity_that_is_not_more_than_counted_is_not_adopted(create_organization, page, quantity):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, quantity)
    opened = page(acme).open()
    assert 'value="adopt_minimum"' not in opened.text

    answer = opened.browser.post(opened.repair_address, {"remedy": "adopt_minimum"}, follow=True)

    assert f"Not done: {quantity} seats are billed and 2 to be billed." in answer.content.decode()
    assert acme.subscription.purchased_seats is None


def test_quantity_is_not_adopted_while_a_correction_is_being_sent(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.edit_at_stripe(quantity=4)
    acme.sandbox.post(
        "/faults",
        vendor="stripe",
        path=f"/subscriptions/{acme.subscription.external_id}",
        method="POST",
        status=503,
        times=1,
    )
    acme.sync_seats()

    with pytest.raises(SubscriptionNotChangeable):
        purchased_seats.adopt_quantity(organization=acme.row)

    assert acme.retry_seat_sync().billed_quantity == 2
