"""The command `manage.py pull_directory`, which compares organizations with Stytch."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from identity.sync import fetch
from kit import actor
from kit.actor import Actor
from kit.management.vendor_command import VendorCommand
from tenancy.models import Organization


class Command(VendorCommand):
    """Reconcile one organization or all, and take in those we have not met."""

    help = "Compares organizations and members with Stytch and repairs what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which organizations to compare, and whether to repair."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--organization", help="slug or id")
        which.add_argument("--all", action="store_true", help="and those only Stytch knows")
        parser.add_argument("--dry-run", action="store_true", help="report only")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print one line per difference."""
        with actor.act_as(Actor(kind="operator", id="pull_directory")):
            if options["all"]:
                self._adopt(dry_run=options["dry_run"])
            for organization in self._chosen(options["organization"]):
                self._pull(organization, dry_run=options["dry_run"])

    def _chosen(self, reference: str | None) -> Iterator[Organization]:
        linked = Organization.objects.live().exclude(stytch_org_id=None)
        if reference is None:
            yield from linked.order_by("created_at").iterator()
            return
        organization = linked.referred_to(reference).first()
        if organization is None:
            raise CommandError(f"There is no organization {reference!r}.")
        yield organization

    def _adopt(self, *, dry_run: bool) -> None:
        for snapshot in fetch.list_unknown_organizations():
            self.stdout.write(f"{snapshot.slug}: unknown here")
            if not dry_run:
                fetch.adopt_organization(snapshot)

    def _pull(self, organization: Organization, *, dry_run: bool) -> None:
        report = fetch.reconcile_organization(organization, dry_run=dry_run)
        for difference in report.differences:
            self.stdout.write(f"{organization.slug}: {difference}")
        verb = "found" if dry_run else "repaired"
        count = len(report.differences)
        self.stdout.write(f"{organization.slug}: {report.members} members, {count} {verb}")
