"""When nothing is under way any more: no webhook due, no job waiting or running."""

from django.db import connection

from tests.harness.stack import poll

# The clock's own jobs come and go; a job that is due within a second is under way.
BUSY = """
    SELECT task_name, status::text, attempts, args FROM procrastinate_jobs
    WHERE queue_name <> 'upkeep'
      AND (status = 'doing'
           OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at < now() + interval '1 second'))
"""


def settle(sandbox, seconds):
    """Wait for calm, twice in a row: a job may cause a webhook, and a webhook a job."""
    calm, under_way = 0, {}

    def is_calm():
        nonlocal calm
        under_way["webhooks"] = sandbox.post("/webhooks/drain", within=0.3)["pending"]
        with connection.cursor() as cursor:
            cursor.execute(BUSY)
            under_way["jobs"] = cursor.fetchall()
        calm = 0 if any(under_way.values()) else calm + 1
        return calm >= 2

    try:
        poll(is_calm, seconds=seconds, what="calm")
    except AssertionError as late:
        late.add_note(f"Still under way: {under_way}")
        raise
