"""Check quantities that were edited at Stripe, and items that must not be changed."""

from billing import tasks
from billing.models import Price
from billing.seat_sync import reconcile
from billing.subscriptions import subscriptions
from tests.billing.support import (
    build_stripe_client,
    create_plan_price,
    get_stripe_price_id,
    list_event_types,
)


def test_dashboard_edit_is_corrected(create_organization):
    acme = create_organization(seats=2).subscribe()

    acme.edit_at_stripe(quantity=9)
    assert acme.seat_state == "drifted"
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_plan_can_report_a_dashboard_edit_instead_of_correcting_it(create_organization):
    acme = create_organization(seats=2, drift_policy="report").subscribe()

    acme.edit_at_stripe(quantity=9)
    acme.add_member()
    acme.sync_seats()
    assert (acme.billed_quantity, acme.seat_state) == (9, "drifted")

    reconcile.reconcile_organization(organization_id=acme.row.pk, corrects_drift=True)
    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_second_edit_keeps_the_time_of_the_first(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.edit_at_stripe(quantity=9)
    since = acme.seat_row.drifted_since

    acme.edit_at_stripe(quantity=8)

    assert acme.seat_row.drifted_since == since


def test_event_of_our_own_change_sends_nothing(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.sync_seats()

    for _ in range(3):
        subscriptions.pull_subscription("stripe", acme.subscription.external_id)
        acme.sync_seats()

    assert acme.list_sent_quantities() == [2]
    assert not acme.row.seat_changes.filter(reason="quantity_edited").exists()


def test_contract_is_compared_and_never_sent(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.seat_row.__class__.objects.filter(organization=acme.row).update(
        mode="manual", contract_seats=5
    )
    acme.add_member()

    acme.sync_seats(is_forced=True)

    assert (acme.seat_state, acme.billed_quantity, acme.list_seat_requests()) == ("manual", 2, [])
    report = acme.report
    assert (report.counted, report.target, report.provider_quantity) == (3, 5, 2)
    assert acme.row.seat_changes.first().target == 5


def test_subscription_with_an_unknown_price_is_misconfigured_and_not_changed(create_organization):
    acme = create_organization(seats=2, minimum_seats=1).subscribe()
    acme.price.provider_prices.update(external_id=f"other_{acme.price.pk}")
    acme.add_member()

    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sync_seats()

    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])
    acme.edit_at_stripe(cancel_at_period_end=True)
    assert list_event_types(acme, "seats.") == ["seats.misconfigured"]


def test_seat_item_is_found_by_its_price_and_two_are_misconfigured(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    second = create_plan_price()
    build_stripe_client().v1.subscription_items.create(
        {"subscription": acme.subscription.external_id, "price": get_stripe_price_id(second)}
    )
    acme.add_member()

    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sync_seats()
    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])
    assert list_event_types(acme, "seats.") == ["seats.misconfigured"]

    acme.price.provider_prices.update(external_id=f"other_{acme.price.pk}")
    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sync_seats()
    (request,) = acme.list_seat_requests()
    assert request["body"]["items[0][id]"] == acme.subscription.external_item_id
    assert (acme.subscription.price, acme.subscription.quantity) == (second, 2)


def test_metered_price_is_never_sent_a_quantity(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    Price.objects.filter(pk=acme.price.pk).update(usage="metered")
    acme.add_member()

    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sync_seats()

    assert (acme.seat_state, acme.list_seat_requests()) == ("misconfigured", [])


def test_requested_sync_finds_an_edit_whose_webhook_was_lost(create_organization):
    acme = create_organization(seats=2).subscribe()
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id,
        {"items": [{"id": acme.subscription.external_item_id, "quantity": 9}]},
    )
    assert acme.seat_state == "in_sync"  # as far as we know

    tasks.sync_seats(organization_id=str(acme.row.pk), is_forced=True)

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert "seats.drifted" in list_event_types(acme, "seats.")
