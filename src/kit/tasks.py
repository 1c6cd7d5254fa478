"""Maintain the job queue by retrying jobs of killed workers and deleting finished ones."""

import structlog
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status

from kit import jobs

log = structlog.get_logger(__name__)

STALLED_AFTER_SECONDS = 30
KEEP_FINISHED_HOURS = 7 * 24


@jobs.declare_task("kit.rescue_stalled_jobs", retry=None, queue="upkeep", cron="* * * * * */30")
def rescue_stalled_jobs() -> None:
    """Queue the jobs of killed workers again, which is why every task is idempotent."""
    stalled = async_to_sync(app.job_manager.get_stalled_jobs)(
        seconds_since_heartbeat=STALLED_AFTER_SECONDS
    )
    for job in stalled:
        _retry_job(job)
        log.warning("stalled_job_rescued", job=job.id, stalled_task=job.task_name)


def _retry_job(job: Job) -> None:
    """Queue a job again unless another of the same coalesced kind is waiting."""
    try:
        with transaction.atomic():
            async_to_sync(app.job_manager.retry_job)(job, retry_at=timezone.now())
    except ConnectorException:
        with transaction.atomic():
            async_to_sync(app.job_manager.finish_job)(job, Status.ABORTED, delete_job=False)


@jobs.declare_task("kit.clear_finished_jobs", retry=None, queue="upkeep", cron="17 3 * * *")
def clear_finished_jobs() -> None:
    """Delete succeeded jobs after a week and keep failed ones."""
    async_to_sync(app.job_manager.delete_old_jobs)(nb_hours=KEEP_FINISHED_HOURS)
