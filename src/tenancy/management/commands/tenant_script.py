"""Command `manage.py tenant_script`, which records or checks the tenant schema's script."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenancy.services import schema_template


class Command(BaseCommand):
    """Records what the tenant migrations amount to."""

    help = "Writes src/tenancy/sql/tenant_schema.sql from the migrations; --check only compares."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--check changes nothing and fails when the script is out of date."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write the script or check the committed one, by making a schema with each method.

        Raises CommandError that names what the script cannot repeat, or lacks.
        """
        if options["check"]:
            recorded = (
                schema_template.TEMPLATE_PATH.read_text(encoding="utf-8")
                if schema_template.TEMPLATE_PATH.exists()
                else ""
            )
            remedy = "run `manage.py tenant_script`"
        else:
            recorded = self._record()
            remedy = "the script cannot repeat it; see docs/runbooks/tenant-migrations.md"
        if differences := schema_template.find_differences(recorded):
            listed = "\n".join(f"  {name}" for name in differences)
            raise CommandError(
                "A schema made by the tenant script differs from one made by the migrations"
                f" ({remedy}):\n{listed}"
            )
        if not options["check"]:
            schema_template.TEMPLATE_PATH.write_text(recorded, encoding="utf-8")

    def _record(self) -> str:
        try:
            return schema_template.record_script()
        except schema_template.NotRecordable as error:
            raise CommandError(str(error)) from None
