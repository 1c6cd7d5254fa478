"""Jobs of tenancy."""

from kit import jobs
from tenancy.services import schema_pool


@jobs.declare_task("tenancy.stock_schemas", retry=None, queue="upkeep", cron="*/5 * * * *")
def stock_schemas() -> None:
    """Keep spare schemas ready, so that no one waits for one."""
    schema_pool.fill_pool()
