"""Refuse a local database whose tables an older initial migration made.

Until the first release, an app's one initial migration is rewritten when a model changes, and Django
takes a rewritten migration for applied. So the database's comment keeps the digest of each.
"""

import hashlib
import json

import psycopg
from psycopg import sql

from devserver import checkout
from support.errors import Refusal

INITIAL = "0001_initial"


def require_current_schema(url: str) -> None:
    """Refuse a rewritten initial migration that is applied, and record those that may be applied now.

    Call it before migrating, so that a migration that was interrupted is known the next time. Raises
    Refusal.
    """
    present = _digest_initial_migrations()
    with psycopg.connect(url) as db:
        recorded = _read_recorded(db)
        rewritten = [
            app for app in _list_applied(db) if app in present and present[app] != recorded.get(app)
        ]
        if rewritten:
            raise Refusal(
                f"The local database was made by an older version of these apps: {', '.join(rewritten)}. "
                "`make clean` removes it with everything in it; then repeat."
            )
        name, comment = sql.Identifier(db.info.dbname), sql.Literal(json.dumps(present))
        db.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, comment))


def _digest_initial_migrations() -> dict[str, str]:
    """Return the digest of each app's initial migration, by the app's folder, which is its label."""
    return {
        path.parents[1].name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (checkout.ROOT / "src").rglob(f"migrations/{INITIAL}.py")
    }


def _read_recorded(db: psycopg.Connection) -> dict[str, str]:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    row = db.execute(query).fetchone()
    try:
        return dict(json.loads(row[0])) if row and row[0] else {}
    except ValueError:  # a comment that is not ours
        return {}


def _list_applied(db: psycopg.Connection) -> list[str]:
    exists = db.execute("SELECT to_regclass('public.django_migrations')").fetchone()
    if exists is None or exists[0] is None:
        return []
    query = "SELECT app FROM public.django_migrations WHERE name = %s ORDER BY app"
    return [app for (app,) in db.execute(query, [INITIAL])]
