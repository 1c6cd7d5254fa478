"""Advisory locks on things that may have no row yet: one vendor object, one command."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from kit import transactions


class LockMisused(RuntimeError):
    """An advisory lock was asked for inside a transaction."""


def number(key: str) -> int:
    """The 64-bit lock number of a key, the same in every process."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


@contextmanager
def object(key: str) -> Iterator[None]:  # noqa: A001 - reads locks.object("stripe:sub_1")
    """Hold `key` alone across all processes, over a vendor fetch, until the block ends.

    It is a session lock in autocommit: no transaction stays open during the fetch, and row locks
    are taken inside the block, for the write. Raises LockMisused within a transaction, where a
    vendor must not be called anyway.
    """
    if transactions.is_open():
        raise LockMisused(key)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number(key)])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number(key)])


def try_transaction(key: str) -> bool:
    """Take `key` until the running transaction ends; false when another process holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number(key)])
        return bool(cursor.fetchone()[0])
