"""Command `manage.py delete_tenant` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Delete the organization at Stytch, in its dashboard or its API: its webhook, or "
        "`pull_directory --organization SLUG`, marks it deleted here. To close it for a time, "
        "suspend it in the admin."
    )
