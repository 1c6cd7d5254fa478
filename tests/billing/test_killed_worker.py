"""A worker killed at the worst moment: between Stripe's success and our commit, or before either."""

import pytest

from tests.billing import worker
from tests.billing.organizations import BillingOrganization
from tests.harness.stack import poll

# Seconds: long enough to kill someone; the sandbox logs a request when its answer is over.
HANGS = 4


@pytest.fixture
def billing_organization(stack, sandbox, committed):
    """Create an organization whose jobs the worker runs."""
    yield BillingOrganization(sandbox, seats=2).subscribe()
    if stack.worker.running is None:
        stack.start_worker()


def asked(billing_organization):
    """Stripe was asked and has answered, or has kept quiet: either way the fault is used up."""
    poll(
        lambda: not billing_organization.sandbox.get("/faults")["faults"], what="the call to Stripe"
    )


@pytest.mark.parametrize("after_effect", [True, False])
def test_worker_killed_while_stripe_answers_charges_once(stack, billing_organization, after_effect):
    billing_organization.add_fault(timeout=HANGS, after_effect=after_effect, method="POST")
    billing_organization.add_member()
    asked(billing_organization)
    poll(
        lambda: billing_organization.billed_quantity == (3 if after_effect else 2),
        what="the effect",
    )

    stack.kill_worker()
    assert billing_organization.seat_state == "pending"
    worker.start_again(stack)

    worker.reached(billing_organization, 3)
    # Our echo may tell of it first; the attempt is closed all the same, once.
    poll(
        lambda: billing_organization.attempts.get().quantity_returned == 3,
        what="the end of the attempt",
    )
    assert billing_organization.attempts.get().state == "succeeded"
    poll(
        lambda: len(billing_organization.list_seat_requests()) == (1 if after_effect else 2),
        what="the whole log",
    )
    assert {
        request["headers"]["idempotency-key"]
        for request in billing_organization.list_seat_requests()
    } == {f"{billing_organization.attempts.get().pk}:1"}
    assert not worker.stuck()


def test_worker_killed_before_its_first_job_loses_no_change(stack, billing_organization):
    stack.kill_worker()
    billing_organization.add_member()
    billing_organization.add_member()

    worker.start_again(stack)

    worker.reached(billing_organization, 4)
    assert billing_organization.list_sent_quantities() == [4]


def test_members_who_join_while_the_worker_is_dead_are_counted_too(stack, billing_organization):
    billing_organization.add_fault(timeout=HANGS, after_effect=True, method="POST")
    billing_organization.add_member()
    poll(lambda: billing_organization.billed_quantity == 3, what="the effect")
    stack.kill_worker()
    billing_organization.add_member()

    worker.start_again(stack)

    worker.reached(billing_organization, 4)
    poll(
        lambda: sorted(billing_organization.list_sent_quantities()) == [3, 4], what="the whole log"
    )
