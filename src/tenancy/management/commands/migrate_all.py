"""Command `manage.py migrate_all`, which migrates the public schema and every other."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from tenancy.services import schema_pool


class Command(BaseCommand):
    """Migrate every schema.

    It is safe to run again, because it does only what is missing.
    """

    help = "Migrates the public schema and every organization's, and stocks spare schemas."

    def handle(self, *_: Any, **options: Any) -> None:
        """Migrate and report what was done."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached: {error}") from None
        call_command("migrate", shared=True, interactive=False, verbosity=options["verbosity"])
        migrated, failed = schema_pool.migrate_all_schemas()
        spares = schema_pool.fill_pool()
        self.stdout.write(f"Organizations' schemas migrated: {migrated}; spares made: {spares}.")
        if failed:
            raise CommandError(
                f"These schemas could not be migrated and stay as they were: {', '.join(failed)}."
                " The log says why; run this again once that is mended."
            )
