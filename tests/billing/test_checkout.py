"""Buy a subscription on a payment page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing import providers, tasks
from billing.customers import portal
from billing.errors import (
    PaymentRefused,
    SubscriptionExists,
)
from billing.models import Checkout, Customer, Subscription
from billing.seat_sync import nightly, reconcile
from billing.subscriptions import changes, checkout, payment_pages, subscriptions
from kit.outbound import VendorUnavailable
from tests.billing.support import (
    LANDING,
    build_stripe_client,
    find_waiting_jobs,
    run_in_parallel,
)
from tests.harness.locking import object_locked, waiting_for


def test_checkout_sells_the_counted_seats(create_organization):
    acme = create_organization(seats=3)
    acme.add_member("viewer")

    acme.subscribe()

    assert (acme.billed_quantity, acme.seat_state, acme.list_seat_requests()) == (3, "in_sync", [])


def test_member_who_joins_during_checkout_is_counted_on_completion(create_organization):
    acme = create_organization(seats=2)
    page = acme.open_checkout()
    acme.add_member()

    checkout_id = acme.pay_checkout(page)
    subscriptions.pull_subscription("stripe", checkout_id)
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_second_checkout_is_refused_while_a_subscription_is_live(create_organization):
    acme = create_organization().subscribe()

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused", "incomplete"])
def test_second_checkout_is_refused_while_a_payment_has_failed(create_organization, status):
    acme = create_organization().subscribe()
    Subscription.objects.filter(pk=acme.subscription.pk).update(status=status)

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()


def test_checkout_is_refused_before_the_event_of_a_payment_is_received(create_organization):
    acme = create_organization()
    paid_id = acme.pay_checkout(acme.open_checkout())

    with pytest.raises(SubscriptionExists):
        acme.open_checkout()

    assert find_waiting_jobs("billing.pull_subscription", external_id=paid_id).exists()


def test_new_checkout_closes_the_older_page(create_organization):
    acme = create_organization()
    older, newer = acme.open_checkout(), acme.open_checkout()

    open_ = providers.get_provider("stripe").list_open_checkouts(acme.customer_id)

    assert [page.external_id for page in open_] == [newer.external_id]
    assert older.external_id != newer.external_id


def test_two_parallel_checkouts_leave_one_page_open(create_organization):
    acme = create_organization()

    run_in_parallel(acme.open_checkout, acme.open_checkout)

    customer_id = acme.customer_id
    assert len(providers.get_provider("stripe").list_open_checkouts(customer_id)) == 1


def test_concurrent_requests_create_one_customer(create_organization):
    acme = create_organization()

    run_in_parallel(*[acme.open_checkout] * 3)

    created = [
        request
        for request in acme.sandbox.requests("stripe", "POST", "/v1/customers")
        if (request["body"] or {}).get("metadata[organization_id]") == str(acme.row.pk)
    ]
    assert len(created) == 1


@pytest.mark.parametrize("call", ["checkout", "portal"])
def test_customer_deleted_without_webhook_is_recreated_at_the_next_attempt(
    create_organization, call
):
    acme = create_organization()
    acme.open_checkout()
    customer_id = acme.customer_id
    build_stripe_client().v1.customers.delete(customer_id)
    calls = {
        "checkout": acme.open_checkout,
        "portal": lambda: portal.create_portal_link(organization=acme.row, return_url=LANDING),
    }

    with pytest.raises(PaymentRefused):
        calls[call]()
    job = find_waiting_jobs("billing.pull_customer", external_id=customer_id).get()
    tasks.pull_customer(provider="stripe", external_id=job.args["external_id"])

    calls[call]()


def test_second_subscription_has_no_second_trial(create_organization):
    acme = create_organization(trial_days=14).subscribe()
    changes.end_subscription_now(organization=acme.row)

    acme.subscribe()

    assert acme.subscription.status == "active"


def test_purchase_after_cancellation_makes_two_rows_and_one_live(create_organization):
    acme = create_organization(seats=2).subscribe()
    first = acme.subscription
    changes.end_subscription_now(organization=acme.row)
    acme.add_member()
    acme.sync_seats()

    acme.subscribe()

    rows = Subscription.objects.filter(organization=acme.row).order_by("started_at")
    assert [row.has_ended for row in rows] == [True, False]
    assert acme.subscription != first
    assert (acme.billed_quantity, acme.seat_state) == (3, "in_sync")


def test_period_lies_in_the_future(create_organization):
    row = create_organization().subscribe().subscription

    assert row.current_period_end - row.current_period_start > timedelta(days=27)


def test_subscription_of_a_checkout_belongs_to_its_organization_and_buyer(create_organization):
    acme, globex = create_organization(), create_organization()
    buyer = acme.members[0]
    page = checkout.open_checkout(
        organization=acme.row,
        price=acme.price,
        success_url=LANDING,
        cancel_url=LANDING,
        buyer=buyer,
    )
    assert Checkout.objects.get(pk=page.pk).state == "open"
    subscription_id = acme.pay_checkout(page)
    # As if another customer had paid: the checkout that was made here decides.
    Customer.objects.filter(organization=globex.row).delete()
    Customer.objects.filter(organization=acme.row).update(external_id="cus_other")

    row = payment_pages.complete_checkout("stripe", page.external_id)

    assert (row.external_id, row.organization_id) == (subscription_id, acme.row.pk)
    assert Customer.objects.get(organization=acme.row).bought_by == buyer.user
    assert Checkout.objects.get(pk=page.pk).state == "paid"


def test_closed_page_is_stored_as_closed(create_organization):
    acme, globex = create_organization(), create_organization()
    first, other = acme.open_checkout(), globex.open_checkout()

    acme.open_checkout()

    assert Checkout.objects.get(pk=first.pk).state == "closed"
    assert Checkout.objects.get(pk=other.pk).state == "open"


def list_pages(acme):
    """Return the state and the provider's id of each page, oldest first."""
    rows = Checkout.objects.filter(organization=acme.row).order_by("created_at")
    return [(row.state, row.external_id) for row in rows]


def list_sessions(acme):
    """Return the payment pages at Stripe, newest first."""
    return build_stripe_client().v1.checkout.sessions.list({"customer": acme.customer_id}).data


def open_with_fault(acme, **fault):
    """Open a payment page whose creation fails at Stripe, for a customer that exists."""
    acme.open_checkout()
    acme.sandbox.post(
        "/faults", vendor="stripe", path="/v1/checkout/sessions$", method="POST", **fault
    )
    with pytest.raises((PaymentRefused, VendorUnavailable)):
        acme.open_checkout()


@pytest.mark.parametrize("status", [400, 404, 429])
def test_page_that_was_refused_is_closed(create_organization, status):
    acme = create_organization()

    open_with_fault(acme, status=status)

    assert list_pages(acme)[-1] == ("closed", "")


@pytest.mark.parametrize("is_created", [True, False])
def test_next_checkout_closes_a_page_of_unknown_outcome(create_organization, is_created):
    acme = create_organization()
    open_with_fault(acme, drop=True, after_effect=is_created)
    assert list_pages(acme)[-1] == ("creating", "")
    lost = list_sessions(acme)[0]

    newest = acme.open_checkout()

    assert list_pages(acme)[1:] == [
        ("closed", lost.id if is_created else ""),
        ("open", newest.external_id),
    ]
    open_ = providers.get_provider("stripe").list_open_checkouts(acme.customer_id)
    assert [page.external_id for page in open_] == [newest.external_id]


@pytest.mark.parametrize("is_created", [True, False])
@pytest.mark.parametrize("look", ["nightly", "reconciliation"])
def test_comparison_looks_up_a_page_of_unknown_outcome(create_organization, look, is_created):
    acme = create_organization()
    open_with_fault(acme, drop=True, after_effect=is_created)
    lost = list_sessions(acme)[0]
    rows = Checkout.objects.filter(organization=acme.row, state="creating")

    if look == "nightly":
        rows.update(created_at=timezone.now() - nightly.CHECKOUT_AGE - timedelta(minutes=1))
        nightly.defer_open_objects()
        checkout_id = str(rows.get().pk)
        find_waiting_jobs("billing.resolve_checkout", checkout_id=checkout_id).get()
        tasks.resolve_checkout(checkout_id=checkout_id)
    else:
        reconcile.reconcile_organization(organization_id=acme.row.pk)

    expected = ("open", lost.id) if is_created else ("closed", "")
    assert expected in list_pages(acme)
    assert not rows.exists()
    if is_created:
        assert Checkout.objects.get(external_id=lost.id).url == lost.url


def test_page_of_a_deleted_customer_is_closed(create_organization):
    acme = create_organization()
    open_with_fault(acme, drop=True)
    page = Checkout.objects.get(organization=acme.row, state="creating")
    Customer.objects.filter(organization=acme.row).update(external_id="")

    payment_pages.resolve_checkout(checkout_id=page.pk)

    assert Checkout.objects.get(pk=page.pk).state == "closed"


def test_paid_page_of_unknown_outcome_is_stored_as_paid(create_organization):
    acme = create_organization()
    open_with_fault(acme, drop=True, after_effect=True)
    lost = list_sessions(acme)[0]
    acme.sandbox.post(f"/checkout/{lost.id}/pay")

    payment_pages.complete_checkout("stripe", lost.id)

    assert ("paid", lost.id) in list_pages(acme)
    assert acme.subscription.status == "active"


def test_page_is_looked_up_when_the_request_that_creates_it_has_ended(create_organization):
    acme = create_organization()
    open_with_fault(acme, drop=True)
    page = Checkout.objects.get(organization=acme.row, state="creating")

    with (
        object_locked(f"stripe:customer:{acme.customer_id}") as holder,
        waiting_for(holder, lambda: payment_pages.resolve_checkout(checkout_id=page.pk)),
    ):
        Checkout.objects.filter(pk=page.pk).update(state="open")

    assert Checkout.objects.get(pk=page.pk).state == "open"
