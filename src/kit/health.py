"""Health endpoints for liveness, readiness and metrics."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from hmac import compare_digest
from threading import Lock
from typing import Final

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from kit import json_api
from kit.pooling import has_own_sessions

type Check = Callable[[], bool]

PROBE_TIMEOUT_SECONDS: Final = 1.0
# What slices read from the database at each scrape: the same number any process is asked.
gauges: Final[list[Collector]] = []
log = structlog.get_logger(__name__)


@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """Answer 200 without any I/O, to show that this process runs."""
    return _json_response({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200, or 503 naming the failed checks, with the version. Vendors are not asked."""
    failed = probe.failures()
    body = {
        "status": "unavailable" if failed else "ok",
        "version": settings.VERSION,
        "failed": failed,
    }
    return _json_response(body, status=503 if failed else 200)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return Prometheus text to holders of METRICS_TOKEN, and 404 if none is configured."""
    given = request.headers.get("Authorization", "")
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not compare_digest(given.encode(), expected.encode()):
        raise Http404
    registry = CollectorRegistry()
    if settings.METRICS_DIRECTORY:
        MultiProcessCollector(registry, path=settings.METRICS_DIRECTORY)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    for gauge in gauges:
        registry.register(gauge)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Probe:
    """The readiness checks, run in one thread of their own so that a hanging database is bounded."""

    def __init__(
        self, checks: Mapping[str, Check], *, limit: float = PROBE_TIMEOUT_SECONDS
    ) -> None:
        self.checks = dict(checks)
        self.limit = limit
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="readyz")
        self._running: Future[list[str]] | None = None
        self._lock = Lock()

    def failures(self) -> list[str]:
        """Return the names of the failed checks, or "timeout" if they did not finish in time."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._pool.submit(self._run)
            running = self._running
        try:
            return running.result(self.limit)
        except TookTooLong:
            return ["timeout"]

    def _run(self) -> list[str]:
        try:
            return [name for name, check in self.checks.items() if not check()]
        except (DatabaseError, psycopg.Error) as error:
            log.warning("readiness_failed", error=type(error).__name__)
            return ["database"]
        finally:
            connection.close()


def database_answers() -> bool:
    """Open a fresh database connection, as a new request would need one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def migrations_are_applied() -> bool:
    """Check that the public schema has the migrations of this release."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def cache_success(check: Check) -> Check:
    """`check`, never asked again after its first yes."""
    passed = False

    def remembering() -> bool:
        nonlocal passed
        passed = passed or check()
        return passed

    return remembering


def keys_are_present() -> bool:
    """Check that cursors, session cookies and stored secrets can be read."""
    return bool(settings.SECRET_KEY)


probe = Probe(
    {
        "database": database_answers,
        "transaction_pooler": cache_success(has_own_sessions),
        "migrations": cache_success(migrations_are_applied),
        "keys": keys_are_present,
    }
)


def _json_response(body: object, status: int = 200) -> HttpResponse:
    return HttpResponse(
        json_api.dump_json(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
