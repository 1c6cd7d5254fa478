"""`manage.py tenant_script`: record the tenant schema's script, or check that it is current."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenancy.services import script


class Command(BaseCommand):
    """Records what the tenant migrations amount to."""

    help = "Writes src/tenancy/sql/tenant_schema.sql from the migrations; --check only compares."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--check changes nothing and fails when the script is out of date."""
        parser.add_argument("--check", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write, or compare."""
        recorded = script.record()
        if not options["check"]:
            script.PATH.write_text(recorded, encoding="utf-8")
        elif not script.PATH.exists() or script.PATH.read_text(encoding="utf-8") != recorded:
            raise CommandError("The tenant script is out of date: run `manage.py tenant_script`.")
