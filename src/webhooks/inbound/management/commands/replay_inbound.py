"""Command `manage.py replay_inbound`, which processes inbound events again."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from kit import actor as actors
from kit.actor import Actor
from kit.timestamps import parse_timestamp
from webhooks.inbound.models import InboundEvent, State
from webhooks.inbound.services import replay


class Command(BaseCommand):
    """Replay the events that match all filters, of which at least one is required."""

    help = "Processes inbound events again, by id, source, type, period or because they failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the filters that select events."""
        parser.add_argument(
            "--id", type=UUID, action="append", dest="ids", help="our id; repeatable"
        )
        parser.add_argument("--external-id", action="append", dest="external_ids")
        parser.add_argument("--source", help="stripe, stytch…")
        parser.add_argument("--type", help="exactly this event type")
        parser.add_argument(
            "--since", type=parse_timestamp, help="received at or after, 2026-11-21T09:00:00Z"
        )
        parser.add_argument("--until", type=parse_timestamp, help="received before")
        parser.add_argument("--failed", action="store_true", help="only those given up")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *_: object, **options: Any) -> None:
        """Replay the events and report how many."""
        conditions = {
            "pk__in": options["ids"],
            "external_id__in": options["external_ids"],
            "source": options["source"],
            "type": options["type"],
            "received_at__gte": options["since"],
            "received_at__lt": options["until"],
            "state": State.FAILED if options["failed"] else None,
        }
        chosen = {name: value for name, value in conditions.items() if value is not None}
        if not chosen:
            raise CommandError(
                "Say which: --id, --external-id, --source, --type, --since, --until, --failed."
            )
        events = InboundEvent.objects.filter(**chosen)
        if options["dry_run"]:
            self.stdout.write(f"{events.replayable().count()} events would be processed again.")
            return
        with actors.act_as(Actor(kind="operator", id="replay_inbound")):
            replayed = replay.replay_events(events)
        self.stdout.write(f"{replayed} events will be processed again.")
