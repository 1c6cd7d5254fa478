"""The real worker: killed in the middle of a seat change, and started again."""

from datetime import timedelta

from asgiref.sync import async_to_sync
from django.utils import timezone
from procrastinate.contrib.django import app

from billing.models import SeatAttempt
from billing.seat_sync import push
from kit.tasks import STALLED_AFTER_SECONDS
from tests.harness.stack import poll


def start_again(stack):
    """As after a minute: the dead one's lease is over too."""
    SeatAttempt.objects.in_flight().update(lease_until=timezone.now() - timedelta(minutes=1))
    stack.start_worker()
    push.defer_overdue_syncs()


def stuck():
    """Jobs that say they run on a worker that does not."""
    stalled = async_to_sync(app.job_manager.get_stalled_jobs)
    return list(stalled(seconds_since_heartbeat=STALLED_AFTER_SECONDS))


def reached(organization, quantity, *, seconds=90):
    """Wait until Stripe bills that many and we know it."""

    def is_so():
        known = organization.report
        return (organization.billed_quantity, known.provider_quantity, known.state) == (
            quantity, quantity, "in_sync",
        )  # fmt: skip

    poll(is_so, seconds=seconds, every=0.1, what=f"{quantity} seats")
