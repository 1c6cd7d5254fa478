"""Command `manage.py rename_schema` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Schemas keep their names, which no one sees. To rename an organization or its slug, "
        "use `PATCH /v1/organizations/{slug}`."
    )
