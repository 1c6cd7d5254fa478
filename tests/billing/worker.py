"""The real worker: killed in the middle of a seat change, and started again."""

import signal
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from billing.models import SeatAttempt
from billing.services import seat_sync
from kit.tasks import rescue_stalled_jobs
from tests.harness.stack import poll


def rows(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


def kill(stack):
    """No goodbye: what it held stays held."""
    stack.worker.stop(signal.SIGKILL)


def start_again(stack):
    """As after a minute: the dead one's heartbeat and lease are over, and nobody had to wait."""
    minute = timezone.now() - timedelta(minutes=1)
    rows("UPDATE procrastinate_workers SET last_heartbeat = %s", minute)
    SeatAttempt.objects.in_flight().update(lease_until=minute)
    stack.worker.start()
    rescue()


def rescue():
    """What the clock does twice a minute."""
    rescue_stalled_jobs()
    seat_sync.sweep()


def stuck():
    """Jobs that say they run on a worker that does not."""
    return rows(
        "SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id ="
        " j.worker_id WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat <"
        " now() - interval '30 seconds')"
    )


def reached(firm, quantity, *, seconds=90):
    """Wait until Stripe bills that many and we know it."""

    def is_so():
        known = firm.report
        return (firm.billed, known.provider_quantity, known.state) == (
            quantity, quantity, "in_sync",
        )  # fmt: skip

    poll(is_so, seconds=seconds, every=0.1, what=f"{quantity} seats")
