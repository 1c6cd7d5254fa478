"""Check that faults at Stripe neither lose a charge nor repeat it."""

import contextlib
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from billing import providers
from billing.customers import customers, profiles
from billing.errors import PaymentRefused, SubscriptionExists
from billing.models import SeatState
from billing.providers.stripe.errors import _retry_after
from billing.seat_sync import attempts, push
from billing.subscriptions import changes
from kit.outbound import VendorUnavailable
from tests.billing.support import build_stripe_client, run_in_parallel
from tests.harness.stack import poll


def test_edit_at_stripe_after_a_lost_answer_is_corrected(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member()
    acme.add_fault(drop=True, after_effect=True, method="POST")
    acme.sync_seats()
    acme.edit_at_stripe(quantity=9)  # Stripe had 3, and its answer was lost

    for _ in range(3):  # the stored answer of the lost call is 3, not what Stripe has now
        acme.retry_seat_sync()

    assert (acme.billed_quantity, acme.report.provider_quantity, acme.seat_state) == (
        3,
        3,
        "in_sync",
    )


def test_attempt_of_an_ended_subscription_does_not_affect_the_next(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(drop=True, method="POST")
    acme.sync_seats()
    changes.end_subscription_now(organization=acme.row)
    acme.remove_member(acme.members[0])
    acme.subscribe()
    acme.add_member()

    acme.retry_seat_sync()

    assert (acme.billed_quantity, acme.seat_state, acme.seat_row.failed_quantity) == (
        2,
        "in_sync",
        None,
    )


def test_request_on_demand_does_not_wait_for_the_next_attempt(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=429, method="POST", headers={"Retry-After": "500"})
    acme.sync_seats()
    assert acme.sync_seats().seat_state == "pending"

    acme.sync_seats(is_forced=True)

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_running_attempt_is_not_taken_over(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    attempts.begin_attempt(acme.row.pk, is_forced=False)

    assert attempts.begin_attempt(acme.row.pk, is_forced=True) is None


def test_running_attempt_and_recent_change_are_not_overdue(create_organization):
    acme, globex = create_organization().subscribe(), create_organization().subscribe()
    acme.add_member()
    attempts.begin_attempt(acme.row.pk, is_forced=False)
    type(acme.seat_row).objects.update(updated_at=timezone.now() - timedelta(minutes=1))
    globex.add_member()

    assert not {acme.row.pk, globex.row.pk} & push.list_overdue()


def test_quantity_that_stripe_returned_is_stored(create_organization):
    acme = create_organization().subscribe()
    answer = (
        build_stripe_client().v1.subscriptions.retrieve(acme.subscription.external_id).to_dict()
    )
    acme.add_member()
    acme.add_fault(status=200, method="POST", body=json.loads(json.dumps(answer, default=str)))

    acme.sync_seats()

    assert (acme.report.provider_quantity, acme.seat_state) == (1, "failed")
    assert acme.report.last_error == "Stripe refused: returned_1"


def test_each_retry_waits_longer(create_organization, settings):
    settings.JOB_DELAY_SCALE = 1
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=503, times=100)

    waits = []
    for _ in range(6):
        acme.retry_seat_sync()
        attempt = acme.attempts.get()
        waits.append(attempt.lease_until - attempt.updated_at)

    expected = [10, 30, 120, 300, 570, 570]
    assert [round(wait.total_seconds(), -1) for wait in waits] == expected


def test_refused_proration_date_is_dropped(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    SeatState.objects.filter(organization=acme.row).update(
        previewed_quantity=2, previewed_at=timezone.now()
    )
    acme.add_fault(status=400, method="POST", body={"error": {"type": "invalid_request_error"}})

    acme.sync_seats()

    first, second = acme.list_seat_requests()
    assert "proration_date" in first["body"]
    assert "proration_date" not in second["body"]
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_previewed_proration_date_is_used_once(create_organization):
    acme = create_organization().subscribe()
    SeatState.objects.filter(organization=acme.row).update(
        previewed_quantity=2, previewed_at=timezone.now()
    )
    joined = acme.add_member()
    acme.sync_seats()
    acme.remove_member(joined)
    acme.sync_seats()
    acme.add_member()

    acme.sync_seats()

    dated = ["proration_date" in request["body"] for request in acme.list_seat_requests()]
    assert dated == [True, False, False]


def test_customer_can_be_created_after_a_failure_at_stripe(create_organization):
    acme = create_organization()
    acme.sandbox.post("/faults", vendor="stripe", path="/v1/customers$", method="POST", status=500)
    with pytest.raises(VendorUnavailable):
        acme.open_checkout()

    acme.open_checkout()

    keys = [
        request["headers"]["idempotency-key"]
        for request in acme.sandbox.requests("stripe", "POST", "/v1/customers")
        if (request["body"] or {}).get("metadata[organization_id]") == str(acme.row.pk)
    ]
    assert len(set(keys)) == 2  # Stripe replays its error under the first key for a day


def test_refused_vat_number_does_not_block_the_next_checkout(create_organization):
    acme = create_organization()
    profiles.update_profile(organization=acme.row, fields={"vat_id": "DE123456789"})
    acme.sandbox.post(
        "/faults",
        vendor="stripe",
        path="/tax_ids$",
        method="POST",
        status=400,
        body={"error": {"type": "invalid_request_error", "code": "tax_id_invalid"}},
    )

    with pytest.raises(PaymentRefused) as refusal:
        acme.open_checkout()
    assert refusal.value.members["reason"] == "tax_id_invalid"
    assert customers.get_profile(acme.row).vat_id == "DE123456789"

    acme.open_checkout()
    assert customers.get_profile(acme.row).external_id


def test_profile_changed_during_customer_creation_reaches_stripe(create_organization):
    acme = create_organization()
    acme.sandbox.post(
        "/faults", vendor="stripe", path="/v1/customers$", method="POST", timeout=0.5,
        after_effect=True,
    )  # fmt: skip

    run_in_parallel(
        lambda: customers.ensure_customer(organization=acme.row),
        lambda: profiles.update_profile(organization=acme.row, fields={"city": "Berlin"}),
    )

    known = customers.get_profile(acme.row)
    snapshot = providers.get_provider("stripe").fetch_customer(known.external_id)
    assert (known.billing_city, snapshot.profile.city) == ("Berlin", "Berlin")


def test_page_paid_during_another_checkout_prevents_a_second_payment(create_organization):
    acme = create_organization()
    older = acme.open_checkout()
    acme.sandbox.post(
        "/faults", vendor="stripe", path="/v1/subscriptions$", method="GET", timeout=1.0,
        after_effect=True,
    )  # fmt: skip

    run_in_parallel(
        lambda: _open_if_allowed(acme.open_checkout), lambda: _pay_during_the_check(acme, older)
    )

    customer_id = acme.customer_id
    every = providers.get_provider("stripe").list_subscriptions(customer_id)
    live = [one for one in every if one.status == "active"]
    assert len(live) + len(providers.get_provider("stripe").list_open_checkouts(customer_id)) == 1


@pytest.mark.parametrize(("header", "wait"), [("7", 7), ("86400", 570), ("9" * 30, 570), ("x", 5)])
def test_retry_after_is_limited(header, wait):
    assert _retry_after(SimpleNamespace(headers={"Retry-After": header})) == wait


def _open_if_allowed(act):
    with contextlib.suppress(SubscriptionExists):
        act()


def _pay_during_the_check(organization, page):
    """Pay the page while the list of subscriptions is being fetched."""
    poll(
        lambda: not organization.sandbox.get("/faults")["faults"],
        what="the request for subscriptions",
    )
    with contextlib.suppress(AssertionError):  # refused, when it was closed before
        organization.sandbox.post(f"/checkout/{page.external_id}/pay")
