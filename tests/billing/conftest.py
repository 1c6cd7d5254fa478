"""Firms, and a stack whose worker waits outside while a test does the jobs itself."""

import pytest

from tests.billing.support import Firm


@pytest.fixture(scope="module")
def quiet(stack):
    """No worker: jobs stay where they are, and the test says when they run."""
    stack.worker.stop()
    yield
    stack.worker.start()


@pytest.fixture
def firm(quiet, committed, sandbox):
    """Make firms of the test's own: `firm(seats=2, maximum_seats=5)`."""
    return lambda **terms: Firm(sandbox, **terms)
