"""Command `manage.py dumpdata`, which reads the public schema only."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import dumpdata
from django.db import connection
from django_tenants.utils import get_public_schema_name

from tenancy.services import schema_template


class Command(dumpdata.Command):
    """Dump shared apps, or any app within one organization's schema."""

    def handle(self, *app_labels: str, **options: Any) -> str | None:
        """Dump. Raises CommandError where tables of organizations would be read outside a schema."""
        asked = {label.partition(".")[0] for label in app_labels}
        excluded = set(options["exclude"])
        in_schemas = schema_template.list_tenant_labels() - excluded
        is_public = connection.schema_name == get_public_schema_name()  # type: ignore[attr-defined]  # django-tenants' own
        if is_public and (in_schemas & asked if asked else in_schemas):
            raise CommandError(
                f"The tables of {', '.join(sorted(in_schemas))} are in each organization's schema. Dump one:"
                " `python src/manage.py tenant_command dumpdata --schema t_… events`; dump a shared app:"
                " `dumpdata identity`; back up everything: `pg_dump` (docs/guides/deployment.md, Backups)."
            )
        return super().handle(*app_labels, **options)
