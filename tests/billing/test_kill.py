"""A worker killed at the worst moment: between Stripe's success and our commit, or before either."""

import pytest

from tests.billing import worker
from tests.billing.support import Firm
from tests.harness.stack import poll

# Seconds: long enough to kill someone; the sandbox logs a request when its answer is over.
HANGS = 4


@pytest.fixture
def acme(stack, sandbox, committed):
    """A firm whose jobs the real worker does."""
    yield Firm(sandbox, seats=2).subscribe()
    if stack.worker.running is None:
        stack.start_worker()


def asked(acme):
    """Stripe was asked and has answered, or has kept quiet: either way the fault is used up."""
    poll(lambda: not acme.sandbox.get("/faults")["faults"], what="the call to Stripe")


@pytest.mark.parametrize("after_effect", [True, False])
def test_worker_killed_while_stripe_answers_charges_once(stack, acme, after_effect):
    acme.fault(timeout=HANGS, after_effect=after_effect, method="POST")
    acme.join()
    asked(acme)
    poll(lambda: acme.billed == (3 if after_effect else 2), what="the effect")

    stack.kill_worker()
    assert acme.state == "pending"
    worker.start_again(stack)

    worker.reached(acme, 3)
    # Our echo may tell of it first; the attempt is closed all the same, once.
    poll(lambda: acme.attempts().get().quantity_returned == 3, what="the end of the attempt")
    assert acme.attempts().get().state == "succeeded"
    poll(lambda: len(acme.sent()) == (1 if after_effect else 2), what="the whole log")
    assert {request["headers"]["idempotency-key"] for request in acme.sent()} == {
        f"{acme.attempts().get().pk}:1"
    }
    assert not worker.stuck()


def test_worker_killed_before_it_began_loses_nothing(stack, acme):
    stack.kill_worker()
    acme.join()
    acme.join()

    worker.start_again(stack)

    worker.reached(acme, 4)
    assert acme.quantities() == [4]


def test_members_who_join_while_the_worker_is_dead_are_counted_too(stack, acme):
    acme.fault(timeout=HANGS, after_effect=True, method="POST")
    acme.join()
    poll(lambda: acme.billed == 3, what="the effect")
    stack.kill_worker()
    acme.join()

    worker.start_again(stack)

    worker.reached(acme, 4)
    poll(lambda: sorted(acme.quantities()) == [3, 4], what="the whole log")
