"""What tests of the inbound log ask the queue."""

from procrastinate.contrib.django.models import ProcrastinateJob

from webhooks.inbound.models import InboundEvent

COLUMNS = (
    "queue_name", "task_name", "priority", "lock", "queueing_lock", "args", "scheduled_at", "status",
)  # fmt: skip


def waiting_jobs():
    """The jobs of the events in the log, oldest first."""
    ids = {str(pk) for pk in InboundEvent.objects.values_list("pk", flat=True)}
    jobs = ProcrastinateJob.objects.filter(task_name="inbound.process").order_by("id")
    return [job for job in jobs.values(*COLUMNS) if job["args"]["event_id"] in ids]
