"""Whether a business transaction is open: vendors and advisory locks must never meet one."""

from django.db import connection


def is_open() -> bool:
    """True inside `atomic()`; the one that a test case wraps around a whole test is not ours."""
    return any(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]  # noqa: SLF001 - Django tells nobody else
