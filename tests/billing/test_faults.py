"""What Stripe may do to a change on its way, and what must not become of the money."""

import contextlib
import json
from types import SimpleNamespace

import pytest
from django.utils import timezone

from billing import providers
from billing.customers import customers, profiles
from billing.errors import PaymentRefused, SubscriptionExists
from billing.models import SeatState
from billing.providers.stripe.errors import _retry_after
from billing.seat_sync import attempts
from billing.subscriptions import changes
from kit.outbound import VendorUnavailable
from tests.billing.support import stripe_client, together
from tests.harness.stack import poll


def test_edit_at_stripe_after_an_answer_was_lost_is_seen_and_corrected(firm):
    acme = firm(seats=2).subscribe()
    acme.join()
    acme.fault(drop=True, after_effect=True, method="POST")
    acme.sync()
    acme.in_dashboard(quantity=9)  # Stripe had 3, which we did not hear

    for _ in range(3):  # the stored answer of the lost call says 3, not what Stripe has now
        acme.come_back()

    assert (acme.billed, acme.report.provider_quantity, acme.state) == (3, 3, "in_sync")


def test_attempt_of_an_ended_subscription_says_nothing_of_the_next(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(drop=True, method="POST")
    acme.sync()
    changes.end_subscription_now(organization=acme.organization)
    acme.leave(acme.members[0])
    acme.subscribe()
    acme.join()

    acme.come_back()

    assert (acme.billed, acme.state, acme.remembered.failed_quantity) == (2, "in_sync", None)


def test_request_on_demand_does_not_wait_for_the_next_attempt(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=429, method="POST", headers={"Retry-After": "500"})
    acme.sync()
    assert acme.sync().state == "pending"

    acme.sync(is_forced=True)

    assert (acme.billed, acme.state) == (2, "in_sync")


def test_running_attempt_is_not_taken_over(firm):
    acme = firm().subscribe()
    acme.join()
    attempts.begin_attempt(acme.organization.pk, is_forced=False)

    assert attempts.begin_attempt(acme.organization.pk, is_forced=True) is None


def test_number_that_stripe_returned_is_kept_not_the_one_asked_for(firm):
    acme = firm().subscribe()
    said = stripe_client().v1.subscriptions.retrieve(acme.subscription.external_id).to_dict()
    acme.join()
    acme.fault(status=200, method="POST", body=json.loads(json.dumps(said, default=str)))

    acme.sync()

    assert (acme.report.provider_quantity, acme.state) == (1, "failed")
    assert acme.report.last_error == "Stripe refused: returned_1"


def test_each_try_waits_longer_than_the_one_before(firm, settings):
    settings.JOB_DELAY_SCALE = 1
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=503, times=100)

    waits = []
    for _ in range(6):
        acme.come_back()
        attempt = acme.attempts().get()
        waits.append(attempt.lease_until - attempt.updated_at)

    told = [10, 30, 120, 300, 570, 570]
    assert [round(wait.total_seconds(), -1) for wait in waits] == told


def test_previewed_moment_that_stripe_refuses_is_left_out(firm):
    acme = firm().subscribe()
    acme.join()
    SeatState.objects.filter(organization=acme.organization).update(
        previewed_quantity=2, previewed_at=timezone.now()
    )
    acme.fault(status=400, method="POST", body={"error": {"type": "invalid_request_error"}})

    acme.sync()

    first, second = acme.sent()
    assert "proration_date" in first["body"]
    assert "proration_date" not in second["body"]
    assert (acme.billed, acme.state) == (2, "in_sync")


def test_previewed_moment_is_used_once(firm):
    acme = firm().subscribe()
    SeatState.objects.filter(organization=acme.organization).update(
        previewed_quantity=2, previewed_at=timezone.now()
    )
    joined = acme.join()
    acme.sync()
    acme.leave(joined)
    acme.sync()
    acme.join()

    acme.sync()

    dated = ["proration_date" in request["body"] for request in acme.sent()]
    assert dated == [True, False, False]


def test_customer_whose_creation_failed_at_stripe_can_be_made_later(firm):
    acme = firm()
    acme.sandbox.post("/faults", vendor="stripe", path="/v1/customers$", method="POST", status=500)
    with pytest.raises(VendorUnavailable):
        acme.checkout()

    acme.checkout()

    keys = [
        request["headers"]["idempotency-key"]
        for request in acme.sandbox.requests("stripe", "POST", "/v1/customers")
        if (request["body"] or {}).get("metadata[organization_id]") == str(acme.organization.pk)
    ]
    assert len(set(keys)) == 2  # Stripe repeats its own error for the first one all day


def test_vat_number_that_stripe_refuses_is_a_refusal_that_can_be_mended(firm):
    acme = firm()
    profiles.update_profile(organization=acme.organization, fields={"vat_id": "DE123456789"})
    acme.sandbox.post(
        "/faults",
        vendor="stripe",
        path="/tax_ids$",
        method="POST",
        status=400,
        body={"error": {"type": "invalid_request_error", "code": "tax_id_invalid"}},
    )

    with pytest.raises(PaymentRefused) as refusal:
        acme.checkout()
    assert refusal.value.members["reason"] == "tax_id_invalid"
    assert customers.get_profile(acme.organization).vat_id == "DE123456789"

    acme.checkout()
    assert customers.get_profile(acme.organization).stripe_customer_id


def test_profile_written_while_the_customer_is_made_reaches_stripe(firm):
    acme = firm()
    acme.sandbox.post(
        "/faults", vendor="stripe", path="/v1/customers$", method="POST", timeout=0.5,
        after_effect=True,
    )  # fmt: skip

    together(
        lambda: customers.ensure_customer(organization=acme.organization),
        lambda: profiles.update_profile(organization=acme.organization, fields={"city": "Berlin"}),
    )

    known = customers.get_profile(acme.organization)
    snapshot = providers.get_provider().fetch_customer(known.stripe_customer_id)
    assert (known.billing_city, snapshot.profile.city) == ("Berlin", "Berlin")


def test_page_paid_while_another_is_asked_for_leaves_nothing_to_pay_twice(firm):
    acme = firm()
    older = acme.checkout()
    acme.sandbox.post(
        "/faults", vendor="stripe", path="/v1/subscriptions$", method="GET", timeout=1.0,
        after_effect=True,
    )  # fmt: skip

    together(lambda: _tried(acme.checkout), lambda: _paid_during_the_look(acme, older))

    customer_id = acme.organization.customer.stripe_customer_id
    every = providers.get_provider().list_subscriptions(customer_id)
    live = [one for one in every if one.status == "active"]
    assert len(live) + len(providers.get_provider().list_open_checkouts(customer_id)) == 1


@pytest.mark.parametrize(("said", "wait"), [("7", 7), ("86400", 570), ("9" * 30, 570), ("x", 5)])
def test_wait_that_stripe_asks_for_is_bounded(said, wait):
    assert _retry_after(SimpleNamespace(headers={"Retry-After": said})) == wait


def _tried(act):
    with contextlib.suppress(SubscriptionExists):
        act()


def _paid_during_the_look(firm, page):
    """Someone pays while the answer of whether anything is live is on its way."""
    poll(lambda: not firm.sandbox.get("/faults")["faults"], what="the look")
    with contextlib.suppress(AssertionError):  # refused, when it was closed before
        firm.sandbox.post(f"/checkout/{page.external_id}/pay")
