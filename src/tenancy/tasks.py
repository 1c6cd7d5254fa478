"""Jobs of tenancy."""

from kit import jobs
from tenancy.services import schema_pool


@jobs.declare_task("tenancy.fill_schema_pool", retry=None, queue="upkeep", cron="*/5 * * * *")
def fill_schema_pool() -> None:
    """Keep spare schemas ready, so that no one waits for one."""
    schema_pool.fill_pool()
