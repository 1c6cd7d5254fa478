"""Command `manage.py create_missing_schemas` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "`python src/manage.py migrate_all` migrates every schema and fills the schema pool; "
        "an organization takes its schema from that pool."
    )
