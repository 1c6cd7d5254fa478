"""Tell whether a business transaction is open, in which no vendor may be called."""

from django.db import connection


def is_transaction_open() -> bool:
    """Return True inside `atomic()`, ignoring the one a test case opens around a test."""
    return any(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]  # noqa: SLF001 - Django tells no one else
