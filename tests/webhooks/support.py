"""List the waiting jobs of inbound events."""

from procrastinate.contrib.django.models import ProcrastinateJob

from webhooks.inbound.models import InboundEvent

COLUMNS = (
    "queue_name", "task_name", "priority", "lock", "queueing_lock", "args", "scheduled_at", "status",
)  # fmt: skip


def list_waiting_jobs():
    """Return the waiting jobs of the stored events, oldest first."""
    ids = {str(pk) for pk in InboundEvent.objects.values_list("pk", flat=True)}
    jobs = ProcrastinateJob.objects.filter(task_name="inbound.process").order_by("id")
    return [job for job in jobs.values(*COLUMNS) if job["args"]["event_id"] in ids]
