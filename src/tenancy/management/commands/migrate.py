"""Command `manage.py migrate`, which migrates every schema, or one shared app."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django_tenants.management.commands.migrate_schemas import MigrateSchemasCommand

from tenancy.services import schema_pool, schema_template

PARTIAL = ("plan", "check_unapplied", "fake", "fake_initial", "prune", "run_syncdb")


class Command(MigrateSchemasCommand):  # type: ignore[misc]  # ships no types
    """Migrate everything as `migrate_all` does, or the public schema as Django does.

    django-tenants would migrate all apps in every schema, which updates no digest and writes rows of
    the shared apps' migrations into each.
    """

    help = (
        "Migrates every schema (as migrate_all); with an app or an option, the public schema only."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises CommandError for an app or a schema that only `migrate_all` may migrate."""
        label = options["app_label"]
        if (
            options["tenant"]
            or options["schema_name"]
            or label in schema_template.list_tenant_labels()
        ):
            raise CommandError(
                "The schemas of organizations are migrated together: run `python src/manage.py"
                " migrate_all` (docs/runbooks/tenant-migrations.md)."
            )
        if label is None and not options["shared"] and not any(options[name] for name in PARTIAL):
            call_command("migrate_all", verbosity=options["verbosity"])
            return
        super().handle(*args, **options | {"shared": True})
        if options["check_unapplied"] and (behind := schema_pool.count_schemas_behind()):
            raise CommandError(f"{behind} schemas of organizations are behind: run migrate_all.")
