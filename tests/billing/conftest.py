"""Firms, and a stack whose worker waits outside while a test does the jobs itself."""

import pytest
from django.db import connection

from tenancy.services import schema_pool
from tests.billing.support import Firm
from webhooks.inbound.models import InboundEvent, State


@pytest.fixture(scope="module")
def quiet(stack, django_db_setup, django_db_blocker):
    """No worker: jobs stay where they are, and the test says when they run."""
    stack.worker.stop()
    yield
    with django_db_blocker.unblock():
        _clear()
        stack.start_worker()
        connection.close()


def _clear():
    """What the firms left waiting is no one's business, and their schemas are to be replaced."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    InboundEvent.objects.unsettled().update(state=State.IGNORED)
    schema_pool.fill_pool()


@pytest.fixture
def firm(quiet, committed, sandbox):
    """Make firms of the test's own: `firm(seats=2, maximum_seats=5)`."""
    return lambda **terms: Firm(sandbox, **terms)
