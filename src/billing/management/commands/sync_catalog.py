"""The command `manage.py sync_catalog`, which writes the plans to our tables and to the provider."""

from argparse import ArgumentParser
from typing import Any

from billing.plans import catalog
from kit import outbound
from kit.management.vendor_command import VendorCommand


class Command(VendorCommand):
    """Write and publish the catalog.

    A second run changes nothing.
    """

    help = "Writes plans, prices and features to the database, and makes the payment providers sell them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--local`, for a first migration without keys, and `--overwrite-portal`."""
        parser.add_argument(
            "--local", action="store_true", help="Leave the payment providers alone."
        )
        parser.add_argument(
            "--overwrite-portal",
            action="store_true",
            help="Take back what was changed by hand in our settings of the customer portal.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Write, publish, and print what was done."""
        catalog.write_catalog()
        if options["local"]:
            self.stdout.write("Plans, prices and features are in the database.")
            return
        with outbound.use_job_timeouts():
            overwrites = options["overwrite_portal"]
            summaries = catalog.publish_catalog(overwrites_portal=overwrites)
        for summary in summaries:
            self.stdout.write(
                f"Plans at {summary.provider}: {summary.plans}; prices created:"
                f" {summary.prices_created}, found: {summary.prices_known}."
            )
            for sentence in (*summary.portal.changed, *summary.portal.unused):
                self.stdout.write(f"Customer portal at {summary.provider}: {sentence}.")
            if summary.portal.changed and not overwrites:
                self.stdout.write("`sync_catalog --overwrite-portal` takes these changes back.")
