"""Detect a transaction pooler between this process and PostgreSQL, and refuse to serve behind one.

The schema of an organization (`search_path`) and advisory locks belong to a database session. A
pooler that hands one session to several clients serves the rows of another organization.
"""

from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

type Connect = Callable[[], psycopg.Connection[Any]]

POOLER_REFUSED: Final = (
    "The database is reached through a transaction pooler, which mixes the sessions of clients: "
    "organizations would read and write each other's rows. Let DATABASE_URL and DATABASE_OWNER_URL "
    "name PostgreSQL itself, or a pooler in session mode (PgBouncer: pool_mode = session). "
    "See docs/guides/deployment.md."
)
# What only Django's own wrapper understands.
NOT_OF_PSYCOPG: Final = ("context", "cursor_factory", "server_side_binding")

log = structlog.get_logger(__name__)


def require_own_sessions() -> None:
    """Refuse to start behind a transaction pooler. Raises ImproperlyConfigured.

    A database that does not answer is left to `/readyz`, which asks again.
    """
    try:
        pooled = is_transaction_pooled(open_connection)
    except psycopg.OperationalError as error:
        log.warning("pooler_not_checked", error=type(error).__name__)
        return
    if pooled:
        raise ImproperlyConfigured(POOLER_REFUSED)


def has_own_sessions() -> bool:
    """Return whether each connection has a database session of its own, as `/readyz` asks."""
    pooled = is_transaction_pooled(open_connection)
    if pooled:
        log.error("transaction_pooler_refused", detail=POOLER_REFUSED)
    return not pooled


def is_transaction_pooled(connect: Connect) -> bool:
    """Return whether two connections share a server session, with certainty.

    A pooler gives the first another session from one statement to the next, or gives the session
    the first just used to the second's transaction. Neither happens with sessions of their own.
    """
    with connect() as first, connect() as second:
        used = {_backend_pid(first), _backend_pid(first)}
        try:
            second.execute("BEGIN")
            held = _backend_pid(second)
        except psycopg.errors.ProtocolViolation:
            return True  # statement pooling refuses transactions: https://www.pgbouncer.org/config.html#pool_mode
        used.add(_backend_pid(first))
        second.execute("ROLLBACK")
    return held in used or len(used) > 1


def open_connection() -> psycopg.Connection[Any]:
    """Open a plain connection with the parameters of the default database."""
    parameters = connection.get_connection_params()
    for name in NOT_OF_PSYCOPG:
        parameters.pop(name, None)
    return psycopg.connect(**parameters, autocommit=True)


def _backend_pid(client: psycopg.Connection[Any]) -> int:
    row = client.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0
