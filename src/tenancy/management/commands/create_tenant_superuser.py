"""Command `manage.py create_tenant_superuser` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Staff are users of the public schema: `python src/manage.py createsuperuser`. A "
        "member becomes an admin of an organization with `promote_member`."
    )
