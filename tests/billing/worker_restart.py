"""Restart the worker that a test killed, and wait for the results of its jobs."""

from datetime import timedelta

from asgiref.sync import async_to_sync
from django.utils import timezone
from procrastinate.contrib.django import app

from billing.models import SeatAttempt
from billing.seat_sync import push
from kit.tasks import STALLED_AFTER_SECONDS
from tests.harness.stack import poll


def restart_worker(stack):
    """Expire the leases of attempts, start a worker, and defer the overdue syncs."""
    SeatAttempt.objects.in_flight().update(lease_until=timezone.now() - timedelta(minutes=1))
    stack.start_worker()
    push.defer_overdue_syncs()


def find_stalled_jobs():
    """Return the jobs that are in progress on a worker that does not run."""
    stalled = async_to_sync(app.job_manager.get_stalled_jobs)
    return list(stalled(seconds_since_heartbeat=STALLED_AFTER_SECONDS))


def wait_for_quantity(organization, quantity, *, seconds=90):
    """Wait until Stripe bills the quantity and our row has it."""

    def is_in_sync():
        report = organization.report
        return (organization.billed_quantity, report.provider_quantity, report.state) == (
            quantity, quantity, "in_sync",
        )  # fmt: skip

    poll(is_in_sync, seconds=seconds, every=0.1, what=f"{quantity} seats")
