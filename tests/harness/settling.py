"""Wait until no webhook is due and no job waits or runs."""

from django.db import connection

from tests.harness.stack import poll

# Periodic jobs are left out; a job that is due within a second counts.
PENDING_JOBS = """
    SELECT task_name, status::text, attempts, args FROM procrastinate_jobs
    WHERE queue_name <> 'upkeep'
      AND (status = 'doing'
           OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at < now() + interval '1 second'))
"""


def settle(sandbox, seconds):
    """Wait until nothing is due twice in a row, as a job may cause a webhook and a webhook a job."""
    settled_in_a_row, pending = 0, {}

    def is_settled():
        nonlocal settled_in_a_row
        pending["webhooks"] = sandbox.post("/webhooks/drain", within=0.3)["pending"]
        with connection.cursor() as cursor:
            cursor.execute(PENDING_JOBS)
            pending["jobs"] = cursor.fetchall()
        settled_in_a_row = 0 if any(pending.values()) else settled_in_a_row + 1
        return settled_in_a_row >= 2

    try:
        poll(is_settled, seconds=seconds, what="the end of all work")
    except AssertionError as failure:
        failure.add_note(f"Still pending: {pending}")
        raise
