"""Jobs of tenancy."""

from kit import jobs
from tenancy.services import schema_pool


@jobs.task("tenancy.stock_schemas", retry=None, queue="upkeep", cron="*/5 * * * *")
def stock_schemas() -> None:
    """Keep spare schemas ready, so that nobody waits for one."""
    schema_pool.stock()
