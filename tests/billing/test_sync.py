"""Send seats to Stripe once and exactly, through every kind of failure."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import providers
from billing.models import SeatAttempt
from billing.providers.types import SeatChangeRequest
from billing.seat_rules import Proration
from billing.seat_sync import attempts, push
from tests.billing.support import most_calls, together

DOWN = {"status": 503, "times": 1_000}


def test_exact_item_number_proration_and_key_are_sent(firm):
    acme = firm(seats=2).subscribe()
    acme.join()

    acme.sync()

    (request,) = acme.sent()
    attempt = acme.attempts().get()
    assert request["body"] == {
        "items[0][id]": acme.subscription.stripe_item_id,
        "items[0][quantity]": "3",
        "proration_behavior": "create_prorations",
        "payment_behavior": "allow_incomplete",
    }
    assert request["headers"]["idempotency-key"] == f"{attempt.pk}:1"
    assert (acme.billed, acme.state, attempt.state) == (3, "in_sync", "succeeded")


@pytest.mark.parametrize(
    ("terms", "behavior"),
    [
        ({"addition_policy": "invoice_now"}, "always_invoice"),
        ({"addition_policy": "next_invoice"}, "create_prorations"),
    ],
)
def test_plan_says_when_an_addition_is_charged(firm, terms, behavior):
    acme = firm(**terms).subscribe()
    acme.join()

    acme.sync()

    assert acme.sent()[-1]["body"]["proration_behavior"] == behavior


def test_removal_without_credit_lowers_at_once_and_silently(firm):
    acme = firm(seats=3, removal_policy="no_credit").subscribe()
    acme.leave(acme.members[0])

    acme.sync()

    assert acme.billed == 2
    assert acme.sent()[-1]["body"]["proration_behavior"] == "none"


def test_going_up_and_down_and_up_sends_a_new_key_each_time(firm):
    acme = firm(seats=5).subscribe()
    for _ in range(2):
        joined = acme.join()
        acme.sync()
        acme.leave(joined)
        acme.sync()
    acme.join()
    acme.sync()

    assert acme.quantities() == [6, 5, 6, 5, 6]
    assert acme.billed == 6
    assert len({request["headers"]["idempotency-key"] for request in acme.sent()}) == 5


def test_nothing_is_sent_when_nothing_changed(firm):
    acme = firm(seats=2).subscribe()

    acme.sync().sync()

    assert acme.sent() == []
    assert acme.state == "in_sync"


def test_death_after_stripes_success_charges_once(firm):
    acme = firm().subscribe()
    acme.join()
    attempt = attempts.begin_attempt(acme.organization.pk, is_forced=False)
    row = acme.subscription
    providers.get_provider().set_seats(
        SeatChangeRequest(
            subscription_id=row.external_id,
            item_id=row.stripe_item_id,
            quantity=attempt.quantity,
            proration=Proration(attempt.proration),
        ),
        key=attempt.key,
    )

    acme.sync()
    assert acme.state == "pending"  # the dead one's lease still holds
    acme.come_back()

    assert acme.quantities() == [2]
    assert (acme.billed, acme.state, acme.report.last_error) == (2, "in_sync", None)


def test_death_before_stripe_was_asked_is_resumed_under_the_same_key(firm):
    acme = firm().subscribe()
    acme.join()
    attempt = attempts.begin_attempt(acme.organization.pk, is_forced=False)

    acme.come_back()

    (request,) = acme.sent()
    assert request["headers"]["idempotency-key"] == f"{attempt.pk}:1"
    assert (acme.billed, acme.state) == (2, "in_sync")


@pytest.mark.parametrize("after_effect", [True, False])
def test_silence_is_looked_into_before_anything_is_sent_again(firm, after_effect):
    acme = firm().subscribe()
    acme.join()
    acme.fault(drop=True, after_effect=after_effect, method="POST")

    acme.sync()
    assert (acme.state, acme.report.last_error) == ("pending", "Stripe does not answer.")
    acme.come_back()

    keys = {request["headers"]["idempotency-key"] for request in acme.sent()}
    assert len(acme.sent()) == (1 if after_effect else 2)
    assert len(keys) == 1
    assert (acme.billed, acme.state) == (2, "in_sync")


def test_error_that_stripe_would_repeat_gets_another_key(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=500, method="POST")

    acme.sync().come_back()

    first, second = [request["headers"]["idempotency-key"] for request in acme.sent()]
    assert (first[-2:], second[-2:]) == (":1", ":2")
    assert (acme.billed, acme.state) == (2, "in_sync")


def test_storm_of_429_ends_with_one_change(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=429, method="POST", times=4)

    for _ in range(5):
        acme.come_back()

    assert (acme.billed, acme.state) == (2, "in_sync")
    assert len({request["headers"]["idempotency-key"] for request in acme.sent()}) == 1


def test_thirty_changes_while_stripe_is_down_end_in_one_call(firm):
    acme = firm().subscribe()
    acme.fault(**DOWN)
    for _ in range(30):
        acme.join()
        SeatAttempt.objects.filter(organization=acme.organization).update(
            lease_until=timezone.now() + timedelta(hours=1)
        )
        acme.sync()
    asked = len(acme.sent())
    assert asked == 1  # anyone who found the attempt in flight left it alone

    acme.sandbox.delete("/faults")
    acme.come_back()

    assert acme.quantities()[asked:] == [31]
    assert (acme.billed, acme.state) == (31, "in_sync")


def test_count_that_moved_on_supersedes_what_never_arrived(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(drop=True, method="POST")
    acme.sync()
    acme.join()

    acme.come_back()

    states = list(acme.attempts().values_list("quantity", "state"))
    assert states == [(2, "superseded"), (3, "succeeded")]
    assert acme.billed == 3


def test_refusal_is_shown_and_not_repeated_until_something_changes(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=400, method="POST")

    acme.sync().sync()
    assert (acme.state, len(acme.sent())) == ("failed", 1)
    assert acme.report.last_error.startswith("Stripe refused")
    acme.join()
    acme.sync()

    assert (acme.billed, acme.state, acme.report.last_error) == (3, "in_sync", None)


def test_refused_quantity_is_sent_again_on_request(firm):
    acme = firm().subscribe()
    acme.join()
    acme.fault(status=400, method="POST")
    acme.sync()

    acme.sync(is_forced=True)

    assert (acme.billed, acme.state) == (2, "in_sync")


def test_two_jobs_at_once_make_one_call(firm):
    acme = firm().subscribe()
    acme.join()

    together(*[acme.sync] * 4)

    assert acme.quantities() == [2]
    assert acme.attempts().filter(state="succeeded").count() == 1


def test_two_acceptances_at_once_are_two_seats(firm):
    acme = firm().subscribe()

    together(acme.join, acme.join)
    together(acme.sync, acme.sync)
    acme.sync()

    assert (acme.billed, acme.report.counted) == (3, 3)


def test_many_joins_at_once_are_exact_and_cost_few_calls(firm):
    acme, began = firm().subscribe(), time.monotonic()

    def join_and_sync():
        for _ in range(25):
            acme.join()
            push.sync_seats(organization_id=acme.organization.pk)

    together(*[join_and_sync] * 4)
    acme.sync()

    assert (acme.billed, acme.report.counted, acme.state) == (101, 101, "in_sync")
    assert len(acme.sent()) <= most_calls(began)


def test_change_soon_after_another_waits_for_more(firm):
    acme = firm().subscribe()
    acme.join()
    acme.sync()
    acme.join()

    push.sync_seats(organization_id=acme.organization.pk)

    assert (acme.quantities(), acme.state) == ([2], "pending")
    acme.sync(is_forced=True)
    assert acme.quantities() == [2, 3]


def test_ledger_has_no_gap_after_a_race(firm):
    acme = firm().subscribe()

    together(*[acme.join] * 6)

    revisions = list(acme.organization.seat_changes.values_list("revision", flat=True))
    assert sorted(revisions) == list(range(1, len(revisions) + 1))
    assert acme.report.revision == len(revisions)


def test_sweeper_finds_what_a_killed_worker_left(firm):
    acme, globex = firm().subscribe(), firm().subscribe()
    acme.join()
    attempts.begin_attempt(acme.organization.pk, is_forced=False)
    globex.join()
    SeatAttempt.objects.update(lease_until=timezone.now())
    type(globex.remembered).objects.update(updated_at=timezone.now() - timedelta(minutes=1))

    assert {acme.organization.pk, globex.organization.pk} <= set(push.list_overdue())
