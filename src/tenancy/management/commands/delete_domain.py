"""Command `manage.py delete_domain` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Organizations have no domains: the slug in the path of a request names the organization."
    )
