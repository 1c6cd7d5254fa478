"""`manage.py sync_catalog`: the plans of `billing.plans.definitions`, in our tables and at Stripe."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from billing.plans import catalog
from kit import outbound


class Command(BaseCommand):
    """Safe to run again: it changes only what differs."""

    help = "Writes plans, prices and features to the database, and makes Stripe sell them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For a first migration, before there are keys."""
        parser.add_argument("--local", action="store_true", help="Leave Stripe alone.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Write and say what was done."""
        catalog.seed()
        if options["local"]:
            self.stdout.write("Plans, prices and features are in the database.")
            return
        with outbound.patient():
            summary = catalog.publish()
        self.stdout.write(
            f"Plans at Stripe: {summary.plans}; prices made: {summary.prices_created},"
            f" found: {summary.prices_known}."
        )
