"""Command `manage.py create_tenant` of django-tenants, which is refused."""

from tenancy.management.refused import RefusedCommand


class Command(RefusedCommand):
    """Name what to use instead."""

    help = "Refused; names what to use instead."
    instead = (
        "Organizations are created at Stytch. Sign up through the API (`POST "
        "/v1/auth/organizations`, README) or the sandbox's pages; `pull_directory --all` adds "
        "those that only Stytch has."
    )
