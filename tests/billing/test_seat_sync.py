"""Send each seat change to Stripe exactly once, also after failures."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import providers
from billing.models import SeatAttempt
from billing.providers.types import SeatChangeRequest
from billing.seat_rules import Proration
from billing.seat_sync import attempts, push
from tests.billing.support import compute_call_limit, run_in_parallel

DOWN = {"status": 503, "times": 1_000}


def test_exact_item_number_proration_and_key_are_sent(create_organization):
    acme = create_organization(seats=2).subscribe()
    acme.add_member()

    acme.sync_seats()

    (request,) = acme.list_seat_requests()
    attempt = acme.attempts.get()
    assert request["body"] == {
        "items[0][id]": acme.subscription.external_item_id,
        "items[0][quantity]": "3",
        "proration_behavior": "create_prorations",
        "payment_behavior": "allow_incomplete",
    }
    assert request["headers"]["idempotency-key"] == f"{attempt.pk}:1"
    assert (acme.billed_quantity, acme.seat_state, attempt.state) == (3, "in_sync", "succeeded")
    assert (attempt.quantity_before, attempt.quantity_returned) == (2, 3)


@pytest.mark.parametrize(
    ("terms", "behavior"),
    [
        ({"addition_policy": "invoice_now"}, "always_invoice"),
        ({"addition_policy": "next_invoice"}, "create_prorations"),
    ],
)
def test_plan_decides_when_an_addition_is_charged(create_organization, terms, behavior):
    acme = create_organization(**terms).subscribe()
    acme.add_member()

    acme.sync_seats()

    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == behavior


def test_removal_without_credit_is_sent_without_proration(create_organization):
    acme = create_organization(seats=3, removal_policy="no_credit").subscribe()
    acme.remove_member(acme.members[0])

    acme.sync_seats()

    assert acme.billed_quantity == 2
    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == "none"


def test_each_change_is_sent_with_a_new_key(create_organization):
    acme = create_organization(seats=5).subscribe()
    for _ in range(2):
        joined = acme.add_member()
        acme.sync_seats()
        acme.remove_member(joined)
        acme.sync_seats()
    acme.add_member()
    acme.sync_seats()

    assert acme.list_sent_quantities() == [6, 5, 6, 5, 6]
    assert acme.billed_quantity == 6
    assert (
        len({request["headers"]["idempotency-key"] for request in acme.list_seat_requests()}) == 5
    )


def test_nothing_is_sent_when_nothing_changed(create_organization):
    acme = create_organization(seats=2).subscribe()

    acme.sync_seats().sync_seats()

    assert acme.list_seat_requests() == []
    assert acme.seat_state == "in_sync"


def test_process_that_dies_after_stripes_success_charges_once(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    attempt = attempts.begin_attempt(acme.row.pk, is_forced=False)
    row = acme.subscription
    providers.get_provider("stripe").set_seats(
        SeatChangeRequest(
            subscription_id=row.external_id,
            item_id=row.external_item_id,
            quantity=attempt.quantity,
            proration=Proration(attempt.proration),
        ),
        key=attempt.key,
    )

    acme.sync_seats()
    assert acme.seat_state == "pending"  # the lease of the dead process still runs
    acme.retry_seat_sync()

    assert acme.list_sent_quantities() == [2]
    assert (acme.billed_quantity, acme.seat_state, acme.report.last_error) == (2, "in_sync", None)


def test_process_that_dies_before_the_call_is_resumed_with_the_same_key(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    attempt = attempts.begin_attempt(acme.row.pk, is_forced=False)

    acme.retry_seat_sync()

    (request,) = acme.list_seat_requests()
    assert request["headers"]["idempotency-key"] == f"{attempt.pk}:1"
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


@pytest.mark.parametrize("after_effect", [True, False])
def test_unknown_outcome_is_fetched_before_a_retry(create_organization, after_effect):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(drop=True, after_effect=after_effect, method="POST")

    acme.sync_seats()
    assert (acme.seat_state, acme.report.last_error) == ("pending", "Stripe does not answer.")
    acme.retry_seat_sync()

    keys = {request["headers"]["idempotency-key"] for request in acme.list_seat_requests()}
    assert len(acme.list_seat_requests()) == (1 if after_effect else 2)
    assert len(keys) == 1
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_stored_error_of_stripe_is_retried_with_another_key(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=500, method="POST")

    acme.sync_seats().retry_seat_sync()

    first, second = [request["headers"]["idempotency-key"] for request in acme.list_seat_requests()]
    assert (first[-2:], second[-2:]) == (":1", ":2")
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_repeated_429_ends_with_one_change(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=429, method="POST", times=4)

    for _ in range(5):
        acme.retry_seat_sync()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert (
        len({request["headers"]["idempotency-key"] for request in acme.list_seat_requests()}) == 1
    )


@pytest.mark.parametrize("changes", [8, pytest.param(30, marks=pytest.mark.soak)])
def test_changes_while_stripe_is_down_end_in_one_call(create_organization, changes):
    acme = create_organization().subscribe()
    acme.add_fault(**DOWN)
    for _ in range(changes):
        acme.add_member()
        SeatAttempt.objects.filter(organization=acme.row).update(
            lease_until=timezone.now() + timedelta(hours=1)
        )
        acme.sync_seats()
    sent_before = len(acme.list_seat_requests())
    assert sent_before == 1  # the other syncs found the attempt in flight

    acme.sandbox.delete("/faults")
    acme.retry_seat_sync()

    assert acme.list_sent_quantities()[sent_before:] == [1 + changes]
    assert (acme.billed_quantity, acme.seat_state) == (1 + changes, "in_sync")


def test_changed_count_supersedes_an_attempt_that_was_not_applied(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(drop=True, method="POST")
    acme.sync_seats()
    acme.add_member()

    acme.retry_seat_sync()

    states = list(acme.attempts.values_list("quantity", "state"))
    assert states == [(2, "superseded"), (3, "succeeded")]
    assert acme.billed_quantity == 3


def test_refused_quantity_is_shown_and_not_sent_again_until_a_change(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=400, method="POST")

    acme.sync_seats().sync_seats()
    assert (acme.seat_state, len(acme.list_seat_requests())) == ("failed", 1)
    assert acme.report.last_error.startswith("Stripe refused")
    acme.add_member()
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state, acme.report.last_error) == (3, "in_sync", None)


def test_refused_quantity_is_sent_again_on_request(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.add_fault(status=400, method="POST")
    acme.sync_seats()

    acme.sync_seats(is_forced=True)

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_parallel_jobs_make_one_call(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()

    run_in_parallel(*[acme.sync_seats] * 4)

    assert acme.list_sent_quantities() == [2]
    assert acme.attempts.filter(state="succeeded").count() == 1


def test_parallel_acceptances_add_two_seats(create_organization):
    acme = create_organization().subscribe()

    run_in_parallel(acme.add_member, acme.add_member)
    run_in_parallel(acme.sync_seats, acme.sync_seats)
    acme.sync_seats()

    assert (acme.billed_quantity, acme.report.counted) == (3, 3)


@pytest.mark.parametrize("joins", [4, pytest.param(25, marks=pytest.mark.soak)])
def test_parallel_joins_are_exact_and_cost_few_calls(create_organization, joins):
    acme, started = create_organization().subscribe(), time.monotonic()

    def join_and_sync():
        for _ in range(joins):
            acme.add_member()
            push.sync_seats(organization_id=acme.row.pk)

    run_in_parallel(*[join_and_sync] * 4)
    acme.sync_seats()

    seats = 1 + 4 * joins
    assert (acme.billed_quantity, acme.report.counted, acme.seat_state) == (seats, seats, "in_sync")
    assert len(acme.list_seat_requests()) <= compute_call_limit(started)


def test_change_soon_after_another_is_delayed(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    acme.sync_seats()
    acme.add_member()

    acme.attempts.update(finished_at=timezone.now())  # also on a slow machine
    push.sync_seats(organization_id=acme.row.pk)

    assert (acme.list_sent_quantities(), acme.seat_state) == ([2], "pending")
    acme.sync_seats(is_forced=True)
    assert acme.list_sent_quantities() == [2, 3]


def test_ledger_has_no_gap_after_parallel_changes(create_organization):
    acme = create_organization().subscribe()

    run_in_parallel(*[acme.add_member] * 6)

    revisions = list(acme.row.seat_changes.values_list("revision", flat=True))
    assert sorted(revisions) == list(range(1, len(revisions) + 1))
    assert acme.report.revision == len(revisions)


def test_overdue_finds_the_attempts_and_counts_of_a_killed_worker(create_organization):
    acme, globex = create_organization().subscribe(), create_organization().subscribe()
    acme.add_member()
    attempts.begin_attempt(acme.row.pk, is_forced=False)
    globex.add_member()
    SeatAttempt.objects.update(lease_until=timezone.now())
    type(globex.seat_row).objects.update(updated_at=timezone.now() - timedelta(minutes=1))

    assert {acme.row.pk, globex.row.pk} <= set(push.list_overdue())
