from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import TaskNotFound
from procrastinate.jobs import Job

from kit import actor, jobs, outbound, tasks
from kit.actor import Actor
from tenancy import routing
from tenancy.models import Organization

NAME = "tenancy.fill_schema_pool"


def waiting():
    return ProcrastinateJob.objects.filter(task_name=NAME, status="todo")


class Undone(Exception):
    pass


@pytest.mark.django_db
def test_job_is_committed_and_rolled_back_with_the_transaction():
    with transaction.atomic():
        jobs.defer_job(NAME)
        assert waiting().count() == 1
        transaction.set_rollback(True)

    assert waiting().count() == 0


@pytest.mark.django_db
def test_coalesced_job_is_stored_once_and_the_transaction_continues():
    first = jobs.defer_job(NAME, coalesce="a")
    second = jobs.defer_job(NAME, coalesce="a")
    other = jobs.defer_job(NAME, coalesce="b")

    assert first is not None
    assert second is None
    assert other is not None
    assert waiting().count() == 2


@pytest.mark.django_db
def test_undeclared_name_is_refused():
    with pytest.raises(TaskNotFound):
        jobs.defer_job("tenancy.no_such_thing")


@pytest.mark.django_db
def test_job_stores_the_actor_that_deferred_it():
    with actor.act_as(Actor("member", "m1", request_id="r1")):
        jobs.defer_job(NAME)

    carried = waiting().get().args[jobs.ACTOR_ARGUMENT]
    assert carried == {"kind": "member", "id": "m1", "request_id": "r1"}


@pytest.mark.django_db
def test_later_job_is_scheduled(settings):
    settings.JOB_DELAY_SCALE = 1

    jobs.defer_job(NAME, after=timedelta(minutes=5))

    wait = waiting().get().scheduled_at - datetime.now(UTC)
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)


@pytest.mark.django_db
def test_task_runs_as_its_actor_in_public_with_job_timeouts():
    left_behind = Organization(schema_name="left_behind")
    routing.enter_schema(left_behind)

    with jobs._task_scope("x", {"kind": "vendor", "id": "stripe"}):
        assert actor.get_actor() == Actor("vendor", "stripe")
        assert connection.schema_name == "public"
        assert outbound._limits.get() == outbound.JOB_TIMEOUTS_SECONDS
        routing.enter_schema(left_behind)

    assert connection.schema_name == "public"
    assert actor.get_actor() == Actor()


def job(attempts):
    return Job(
        id=1, status="doing", queue="default", lock=None, queueing_lock=None, task_name="x",
        attempts=attempts,
    )  # fmt: skip


def test_each_retry_waits_longer_until_the_last(settings):
    settings.JOB_DELAY_SCALE = 1
    backoff = jobs.Backoff(10, 60, give_up=timedelta(seconds=190))

    assert 8 <= backoff.delay(0).total_seconds() <= 12
    assert 48 <= backoff.delay(1).total_seconds() <= 72
    assert 48 <= backoff.delay(7).total_seconds() <= 72
    assert backoff.attempts == 4
    assert backoff.get_retry_decision(exception=Undone(), job=job(3)) is not None
    assert backoff.get_retry_decision(exception=Undone(), job=job(4)) is None


@pytest.mark.django_db
def test_job_of_a_killed_worker_is_retried():
    number = jobs.defer_job(NAME)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 minute') RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
            [cursor.fetchone()[0], number],
        )

    tasks.rescue_stalled_jobs()

    assert waiting().get().pk == number


@pytest.mark.django_db
def test_job_of_a_running_worker_is_not_retried():
    number = jobs.defer_job(NAME)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
            [cursor.fetchone()[0], number],
        )

    tasks.rescue_stalled_jobs()

    assert waiting().count() == 0


@pytest.mark.django_db
def test_duplicate_of_a_waiting_job_does_not_stop_other_rescues():
    first = jobs.defer_job(NAME, coalesce="a")
    second = jobs.defer_job(NAME, coalesce="b")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 minute') RETURNING id"
        )
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = ANY(%s)",
            [cursor.fetchone()[0], [first, second]],
        )
    third = jobs.defer_job(NAME, coalesce="a")

    tasks.rescue_stalled_jobs()

    assert set(waiting().values_list("pk", flat=True)) == {second, third}
    assert ProcrastinateJob.objects.get(pk=first).status == "aborted"
