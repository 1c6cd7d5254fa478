"""The inbound log's jobs: one per event, and its upkeep."""

from uuid import UUID

from kit import jobs
from webhooks.inbound.services import maintenance
from webhooks.inbound.services import process as services_process


@jobs.task("inbound.process", queue="inbound")
def process(event_id: str) -> None:
    """One attempt of one event; further attempts are jobs of their own."""
    services_process.process(event_id=UUID(event_id))


@jobs.task("inbound.rescue", queue="upkeep", retry=None, cron="* * * * * 15")
def rescue() -> None:
    """Every minute: events long due get a new job."""
    maintenance.rescue()


@jobs.task("inbound.forget", queue="upkeep", retry=None, cron="41 3 * * *")
def forget() -> None:
    """Every night: what is too old goes."""
    maintenance.forget()
