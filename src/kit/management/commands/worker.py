"""Command `manage.py worker`, which runs jobs until it is stopped."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from kit import pooling


class Command(BaseCommand):
    """Start one worker process.

    Beyond four concurrent jobs, start more processes.
    """

    help = "Runs jobs until SIGTERM or Ctrl-C, finishing the ones in hand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the concurrency and the queues to serve (all by default)."""
        parser.add_argument("--concurrency", type=int, default=4)
        parser.add_argument("--queue", action="append", dest="queues")

    def handle(self, *_: Any, **options: Any) -> None:
        """Block until stopped. Refuses to start behind a transaction pooler."""
        pooling.require_own_sessions()
        asyncio.run(self._run(options["concurrency"], options["queues"]))

    async def _run(self, concurrency: int, queues: list[str] | None) -> None:
        # Deferring inside tasks goes on through Django's connection, hence its transaction:
        # only this copy of the app speaks psycopg directly.
        worker = app.with_connector(DjangoConnector().get_worker_connector())
        async with worker.open_async():
            await worker.run_worker_async(
                concurrency=concurrency,
                queues=queues,  # type: ignore[arg-type]  # None means all
                fetch_job_polling_interval=settings.WORKER_POLL_SECONDS,
                shutdown_graceful_timeout=25,
            )
