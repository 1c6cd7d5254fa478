"""The command `manage.py reconcile_seats`, which compares seats and repairs or reports them."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from billing.seat_sync import reconcile
from kit import actor as actors
from kit import outbound
from kit.actor import Actor
from kit.outbound import VendorNotFound, VendorRejected, VendorUnavailable
from tenancy.models import Organization


class Command(BaseCommand):
    """Compare and repair.

    A second run finds nothing to do.
    """

    help = (
        "Compares every organization's seats with the payment provider, and repairs what differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which organizations to compare, and whether to repair."""
        parser.add_argument("--organization", help="One organization's slug or id.")
        parser.add_argument("--dry-run", action="store_true", help="Report, change nothing.")
        parser.add_argument(
            "--correct-drift",
            action="store_true",
            help="Also undo edits made at the provider that the plan would only report.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Print one line per organization, and exit 1 when one could not be compared."""
        failed = 0
        with (
            actors.act_as(Actor(kind="operator", id="reconcile_seats")),
            outbound.use_job_timeouts(),
        ):
            for organization_id in self._chosen(options["organization"]):
                failed += not self._compare(organization_id, options)
        if failed:
            raise CommandError(f"{failed} organizations could not be compared.")

    def _chosen(self, reference: str | None) -> Iterable[UUID]:
        if reference is None:
            return reconcile.list_candidates()
        found = Organization.objects.live().referred_to(reference).first()
        if found is None:
            raise CommandError(f"No organization is called {reference}.")
        return [found.pk]

    def _compare(self, organization_id: UUID, options: dict[str, Any]) -> bool:
        try:
            if options["dry_run"]:
                finding = reconcile.inspect_seats(organization_id=organization_id)
            else:
                finding = reconcile.reconcile_organization(
                    organization_id=organization_id, corrects_drift=options["correct_drift"]
                )
        except (VendorUnavailable, VendorRejected, VendorNotFound) as error:
            self.stderr.write(f"{organization_id} {error}")
            return False
        self.stdout.write(
            f"{organization_id} {finding.state}: counted {finding.counted},"
            f" target {finding.target}, billed {finding.observed}"
            + (", would be sent" if finding.would_send else "")
        )
        return True
