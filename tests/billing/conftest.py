"""Provide organizations with billing, and a stack without a worker."""

import pytest
from django.db import connection

from tenancy.services import schema_pool
from tests.billing.organizations import BillingOrganization
from webhooks.inbound.models import InboundEvent, State


@pytest.fixture(scope="module")
def stopped_worker(stack, django_db_setup, django_db_blocker):
    """Stop the worker, so that a job waits until the test runs it."""
    stack.worker.stop()
    yield
    with django_db_blocker.unblock():
        _delete_waiting_work()
        stack.start_worker()
        connection.close()


def _delete_waiting_work():
    """Delete the jobs and events that wait, and refill the schema pool."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    InboundEvent.objects.unsettled().update(state=State.IGNORED)
    schema_pool.fill_pool()


@pytest.fixture
def create_organization(stopped_worker, committed, sandbox):
    """Return a function that creates organizations: `create_organization(seats=2)`."""
    return lambda **terms: BillingOrganization(sandbox, **terms)
