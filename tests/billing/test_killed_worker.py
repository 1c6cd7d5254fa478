"""Kill the worker before a call to Stripe, or between its success and our commit."""

import pytest

from tests.billing import worker_restart
from tests.billing.organizations import BillingOrganization
from tests.harness.stack import poll

# Long enough to kill the worker meanwhile; the sandbox logs a request when its answer ends.
HANG_SECONDS = 4


@pytest.fixture
def billing_organization(stack, sandbox, committed):
    """Create an organization whose jobs the worker runs."""
    yield BillingOrganization(sandbox, seats=2).subscribe()
    if stack.worker.running is None:
        stack.start_worker()


def wait_for_call(billing_organization):
    """Wait until a call to Stripe used up the fault."""
    poll(
        lambda: not billing_organization.sandbox.get("/faults")["faults"], what="the call to Stripe"
    )


@pytest.mark.parametrize("after_effect", [True, False])
def test_worker_killed_while_stripe_answers_charges_once(stack, billing_organization, after_effect):
    billing_organization.add_fault(timeout=HANG_SECONDS, after_effect=after_effect, method="POST")
    billing_organization.add_member()
    wait_for_call(billing_organization)
    poll(
        lambda: billing_organization.billed_quantity == (3 if after_effect else 2),
        what="the effect",
    )

    stack.kill_worker()
    assert billing_organization.seat_state == "pending"
    worker_restart.restart_worker(stack)

    worker_restart.wait_for_quantity(billing_organization, 3)
    # The event of our own change may be handled first; the attempt is closed once all the same.
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
    assert not worker_restart.find_stalled_jobs()


def test_worker_killed_before_its_first_job_loses_no_change(stack, billing_organization):
    stack.kill_worker()
    billing_organization.add_member()
    billing_organization.add_member()

    worker_restart.restart_worker(stack)

    worker_restart.wait_for_quantity(billing_organization, 4)
    assert billing_organization.list_sent_quantities() == [4]


def test_members_who_join_while_the_worker_is_dead_are_counted_too(stack, billing_organization):
    billing_organization.add_fault(timeout=HANG_SECONDS, after_effect=True, method="POST")
    billing_organization.add_member()
    poll(lambda: billing_organization.billed_quantity == 3, what="the effect")
    stack.kill_worker()
    billing_organization.add_member()

    worker_restart.restart_worker(stack)

    worker_restart.wait_for_quantity(billing_organization, 4)
    poll(
        lambda: sorted(billing_organization.list_sent_quantities()) == [3, 4], what="the whole log"
    )
