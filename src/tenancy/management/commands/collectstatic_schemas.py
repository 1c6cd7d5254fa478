"""Command `manage.py collectstatic_schemas` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Static files are the same for every organization: `python src/manage.py collectstatic`."
    )
