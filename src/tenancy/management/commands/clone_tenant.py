"""Command `manage.py clone_tenant` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "An organization cannot be copied: its members and its subscription belong to Stytch "
        "and to the payment provider. `make demo` and the demo of `make run` create organizations with data; "
        "`pg_dump --schema` copies one schema (docs/runbooks/database.md)."
    )
