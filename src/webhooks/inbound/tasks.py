"""Tasks of the inbound log, one per event and its maintenance."""

from uuid import UUID

from kit import jobs
from webhooks.inbound.services import maintenance
from webhooks.inbound.services import process as services_process


@jobs.declare_task("inbound.process", queue="inbound")
def run_process_event(event_id: str) -> None:
    """Run one attempt of one event, with further attempts as jobs of their own."""
    services_process.process_event(event_id=UUID(event_id))


@jobs.declare_task("inbound.rescue", queue="upkeep", retry=None, cron="* * * * * 15")
def run_rescue() -> None:
    """Defer a new job every minute for events long due."""
    maintenance.rescue_overdue()


@jobs.declare_task("inbound.forget", queue="upkeep", retry=None, cron="41 3 * * *")
def run_delete_expired() -> None:
    """Delete every night what has expired."""
    maintenance.delete_expired()
