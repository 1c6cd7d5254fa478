"""Defer jobs by name in the business transaction, so that the queue serves as the outbox.

A service defers `"billing.sync_seats"`, a task declares itself under that name, and neither imports
the other. Arguments are ids, never objects; the actor travels with them.
"""

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ParamSpec

import procrastinate
import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job

from kit import actor as actors
from kit import outbound

log = structlog.get_logger(__name__)
P = ParamSpec("P")

ACTOR_ARGUMENT = "_actor"


class Backoff(procrastinate.BaseRetryStrategy):
    """Try again after each delay (seconds), then after the last one, until `give_up` has passed."""

    def __init__(self, *delays: int, give_up: timedelta) -> None:
        self.delays = delays
        # Attempts rather than a first-failure time: a job row does not keep when it first failed.
        beyond = max(0, int(give_up.total_seconds()) - sum(delays)) // delays[-1]
        self.attempts = len(delays) + beyond

    def delay(self, attempts: int) -> timedelta:
        """Return the wait after that many failures, varied by 20 % so that retries spread out."""
        seconds = self.delays[min(attempts, len(self.delays) - 1)]
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spread, not secrecy
        return timedelta(seconds=seconds * jitter)

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """Retry on any failure until the attempts are used up, then leave the job `failed`."""
        if job.attempts >= self.attempts:
            return None
        wait = self.delay(job.attempts) * settings.JOB_DELAY_SCALE
        log.warning("job_will_retry", task=job.task_name, job=job.id, error=repr(exception)[:300])
        return procrastinate.RetryDecision(retry_at=timezone.now() + wait)


STANDARD_BACKOFF = Backoff(10, 30, 120, 300, 600, give_up=timedelta(days=3))


@contextmanager
def _task_scope(name: str, carried: dict[str, str]) -> Iterator[None]:
    actor = actors.actor_from_arguments(carried)
    enter: Callable[[], Any] = import_string(settings.TASK_SCOPE)
    with (
        actors.act_as(actor),
        outbound.use_job_timeouts(),
        structlog.contextvars.bound_contextvars(task=name, request_id=actor.request_id),
        enter(),
    ):
        yield


def declare_task(
    name: str,
    *,
    queue: str = "default",
    retry: procrastinate.BaseRetryStrategy | None = STANDARD_BACKOFF,
    cron: str = "",
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Declare a task. It runs in the public schema, as the actor who deferred it, maybe twice.

    With `cron` (six fields, the last one seconds) it is deferred by the clock too. A coalesced task
    takes `retry=None` and defers itself again: a retried row would collide with a waiting one.
    """

    def declare(function: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(function)
        def run(**arguments: Any) -> None:  # noqa: ANN401 - JSON
            arguments.pop("timestamp", None)  # what the clock adds
            with _task_scope(name, arguments.pop(ACTOR_ARGUMENT, {})):
                function(**arguments)  # type: ignore[call-arg]

        declared = app.task(name=name, queue=queue, retry=retry or False)(run)
        if cron:
            app.periodic(cron=cron)(declared)  # type: ignore[arg-type]  # `run` drops the time
        return function

    return declare


def defer_job(
    name: str,
    *,
    coalesce: str | None = None,
    after: timedelta | None = None,
    **arguments: str | int | bool | None,
) -> int | None:
    """Store a job in the running transaction and return its id, or None if coalesced.

    Take the organization's lock before deferring a coalesced job: otherwise the waiting job may
    already be counting and the last change be lost. Raises TaskNotFound for an unknown name.
    """
    job = app.configure_task(
        name,
        allow_unknown=False,
        queueing_lock=f"{name}:{coalesce}" if coalesce else None,
        schedule_at=timezone.now() + after * settings.JOB_DELAY_SCALE if after else None,
    )
    payload: dict[str, Any] = {**arguments, ACTOR_ARGUMENT: actors.get_actor().as_arguments()}
    try:
        with transaction.atomic():  # a savepoint: AlreadyEnqueued would poison the outer one
            return job.defer(**payload)
    except AlreadyEnqueued:
        return None
