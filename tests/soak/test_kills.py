"""Check (R6) that a worker killed at each step of a seat change charges each change once."""

import random
import time

import pytest

from tests.billing import worker_restart
from tests.billing.organizations import BillingOrganization
from tests.harness.stack import poll

pytestmark = pytest.mark.soak

RUNS = 4
STEPS = {
    "before the call to Stripe": {"method": "POST", "timeout": 3},
    "after Stripe's success": {"method": "POST", "timeout": 3, "after_effect": True},
    "while an event is looked into": {"method": "GET", "timeout": 3},
    "at any moment": None,
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("run", range(RUNS))
def test_killed_worker_changes_each_quantity_once(sandbox, stack, committed, step, run):
    organization, generator = (
        BillingOrganization(sandbox, seats=2).subscribe(),
        random.Random(f"{step}{run}"),
    )
    fault = STEPS[step]
    if fault:
        organization.add_fault(**fault)
    organization.add_member()
    if fault:
        poll(lambda: not sandbox.get("/faults")["faults"], what="the moment")
    time.sleep(generator.random() * (0.5 if fault else 1.5))

    stack.kill_worker()
    organization.add_member()
    worker_restart.restart_worker(stack)

    worker_restart.wait_for_quantity(organization, 4, seconds=120)
    poll(lambda: not organization.attempts.filter(state="in_flight").exists(), what="an end")
    time.sleep(3 if fault else 0)  # the sandbox logs a delayed request when it ends
    # A change that is sent again has its own key, so two changes are two keys at most.
    assert (
        len(
            {request["headers"]["idempotency-key"] for request in organization.list_seat_requests()}
        )
        <= 2
    )
    assert not worker_restart.find_stalled_jobs()
