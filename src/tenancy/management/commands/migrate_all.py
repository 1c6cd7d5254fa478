"""`manage.py migrate_all`: the public schema, then every organization's, then the stock."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from tenancy.services import schema_pool


class Command(BaseCommand):
    """Safe to run again: it does only what is missing."""

    help = "Migrates the public schema and every organization's, and stocks spare schemas."

    def handle(self, *_: Any, **options: Any) -> None:
        """Migrate and say what was done."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"The database cannot be reached: {error}") from None
        call_command(
            "migrate_schemas", shared=True, interactive=False, verbosity=options["verbosity"]
        )
        migrated, failed = schema_pool.migrate_fleet()
        stocked = schema_pool.stock()
        self.stdout.write(
            f"Organizations' schemas migrated: {migrated}; made for stock: {stocked}."
        )
        if failed:
            raise CommandError(
                f"These schemas could not be migrated and stay as they were: {', '.join(failed)}."
                " The log says why; run this again once that is mended."
            )
