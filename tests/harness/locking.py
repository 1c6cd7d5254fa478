"""Check that a call takes a lock: it waits while another connection holds it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import django.db
import psycopg
from django.test.utils import CaptureQueriesContext

from kit import locks
from tests.harness.plugin import DATABASE, OWNER_URL, on_database
from tests.harness.stack import poll

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


@contextmanager
def organization_locked(organization_id):
    """Hold an organization's row lock in a connection of its own."""
    statement = "SELECT 1 FROM tenancy_organization WHERE id = %s FOR NO KEY UPDATE"
    with _holding(statement, organization_id) as holder:
        yield holder


@contextmanager
def object_locked(key):
    """Hold the advisory lock of a vendor's object in a connection of its own."""
    with _holding("SELECT pg_advisory_xact_lock(%s)", locks.lock_number(key)) as holder:
        yield holder


@contextmanager
def waiting_for(holder, call):
    """Run `call` in a thread until it waits for `holder`, then run the block.

    Yields the future. At the end of the block the lock is released and the call finishes.
    """

    def in_own_connection():
        try:
            return call()
        finally:
            django.db.connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(in_own_connection)
        try:
            poll(lambda: running.done() or _blocks(holder), what="the call to wait for the lock")
            assert not running.done(), "The call did not wait for the lock."
            yield running
        finally:
            holder.rollback()
            running.exception(timeout=30)


@contextmanager
def _holding(statement, *parameters):
    with psycopg.connect(on_database(OWNER_URL, DATABASE)) as holder:
        holder.execute(statement, parameters)
        yield holder


def _blocks(holder):
    with psycopg.connect(on_database(OWNER_URL, DATABASE), autocommit=True) as watching:
        return watching.execute(BLOCKED, [holder.info.backend_pid]).fetchone()[0]


@contextmanager
def record_transactions():
    """Record the statements of each transaction that the block runs in this thread's connection.

    Yields a list that is filled at the end of the block, with a list of statements for each.
    """
    transactions, current = [], None
    with CaptureQueriesContext(django.db.connection) as captured:
        yield transactions
    for statement in (query["sql"] for query in captured):
        if statement == "BEGIN":
            current = []
        elif statement in ("COMMIT", "ROLLBACK"):
            transactions.append(current)
            current = None
        elif current is not None:
            current.append(statement)
