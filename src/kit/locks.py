"""Take advisory locks on vendor objects and commands that may have no row yet."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import connection

from kit import transactions
from kit.errors import Unavailable

POLL_INTERVAL_SECONDS = 0.05


class LockMisused(RuntimeError):
    """An advisory lock was asked for inside a transaction."""


def lock_number(key: str) -> int:
    """Return the 64-bit lock number of a key, the same in every process."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


@contextmanager
def hold_object(key: str, *, wait_seconds: float | None = None) -> Iterator[None]:
    """Hold `key` alone across all processes, over a vendor fetch, until the block ends.

    It is a session lock in autocommit: no transaction stays open during the fetch, and row locks
    are taken inside the block, for the write. Raises LockMisused within a transaction, where a
    vendor must not be called anyway. With `wait_seconds`, for requests: raises Unavailable when the
    holder, perhaps a job whose vendor hangs, does not release it in time.
    """
    if transactions.is_transaction_open():
        raise LockMisused(key)
    if wait_seconds is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [lock_number(key)])
    else:
        _take_within(key, wait_seconds)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock_number(key)])


def hold_vendor_object(
    vendor: str, kind: str, external_id: str, *, wait_seconds: float | None = None
) -> AbstractContextManager[None]:
    """Hold one object of a vendor alone, named by vendor, kind and the vendor's id.

    The job that processes an event and the services that fetch the same object hold the same lock;
    within one database session it may be taken again. Raises as `hold_object` does.
    """
    key = ":".join(part for part in (vendor, kind, external_id) if part)
    return hold_object(key, wait_seconds=wait_seconds)


def _take_within(key: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock_number(key)])
            if cursor.fetchone()[0]:
                return
        if time.monotonic() >= deadline:
            raise Unavailable("Something else is working on this. Try again.", retry_after=2)
        time.sleep(POLL_INTERVAL_SECONDS)


def try_lock_transaction(key: str) -> bool:
    """Lock `key` until the transaction ends, or return False if another process holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_number(key)])
        return bool(cursor.fetchone()[0])
