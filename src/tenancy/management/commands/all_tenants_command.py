"""Command `manage.py all_tenants_command` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Run `migrate_all` to migrate every schema. For anything else, loop over "
        "`Organization.objects.live()` with `tenancy.routing.activate` in `python "
        "src/manage.py shell`."
    )
