"""What tests of the inbound log ask the queue."""

from procrastinate.contrib.django.models import ProcrastinateJob


def waiting_jobs():
    """The jobs of inbound events, oldest first."""
    jobs = ProcrastinateJob.objects.filter(task_name="inbound.process").order_by("id")
    return list(
        jobs.values(
            "queue_name",
            "task_name",
            "priority",
            "lock",
            "queueing_lock",
            "args",
            "scheduled_at",
            "status",
        )
    )
