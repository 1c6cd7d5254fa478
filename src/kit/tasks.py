"""Upkeep of the queue itself: jobs of killed workers run again, finished ones are cleared away."""

import structlog
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from kit import jobs

log = structlog.get_logger(__name__)

SILENT_SECONDS = 30
KEPT_HOURS = 7 * 24


@jobs.task("kit.rescue_stalled_jobs", retry=None, queue="upkeep", cron="* * * * * */30")
def rescue_stalled_jobs() -> None:
    """Put back what a killed worker held; that is why every task is idempotent."""
    stalled = async_to_sync(app.job_manager.get_stalled_jobs)(
        seconds_since_heartbeat=SILENT_SECONDS
    )
    for job in stalled:
        _put_back(job)
        log.warning("stalled_job_rescued", job=job.id, stalled_task=job.task_name)


def _put_back(job: Job) -> None:
    """Let it wait again; where another of the same coalesced kind waits already, that one does."""
    try:
        with transaction.atomic():
            async_to_sync(app.job_manager.retry_job)(job, retry_at=timezone.now())
    except ConnectorException:
        with transaction.atomic():
            async_to_sync(app.job_manager.finish_job)(job, Status.ABORTED, delete_job=False)


@jobs.task("kit.clear_finished_jobs", retry=None, queue="upkeep", cron="17 3 * * *")
def clear_finished_jobs() -> None:
    """Forget succeeded jobs after a week; failed ones stay until somebody has looked."""
    async_to_sync(app.job_manager.delete_old_jobs)(nb_hours=KEPT_HOURS)
