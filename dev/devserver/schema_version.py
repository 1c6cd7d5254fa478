"""Refuse a local database that older initial migrations made.

Until the first release, an app's one initial migration is rewritten when a model changes. Django takes
a rewritten migration for applied, so the database keeps the digest of the files that made it.
"""

import hashlib

import psycopg
from psycopg import sql

from devserver import checkout
from support.errors import Refusal

MADE_BY = """
    SELECT to_regclass('public.django_migrations') IS NOT NULL, shobj_description(oid, 'pg_database')
    FROM pg_database WHERE datname = current_database()
"""


def refuse_older_schema(url: str) -> None:
    """Raise Refusal if other initial migrations than the present ones made the tables."""
    with psycopg.connect(url) as db:
        row = db.execute(MADE_BY).fetchone()
    if row and row[0] and row[1] != _digest_initial_migrations():
        raise Refusal(
            "The local database was made by an older version of the models. "
            "`make clean` removes it with everything in it; then repeat."
        )


def record_schema_version(url: str) -> None:
    """Store which initial migrations made the tables, as the database's comment."""
    with psycopg.connect(url) as db:
        name, digest = sql.Identifier(db.info.dbname), sql.Literal(_digest_initial_migrations())
        db.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, digest))


def _digest_initial_migrations() -> str:
    digest = hashlib.sha256()
    for path in sorted((checkout.ROOT / "src").rglob("migrations/0001_initial.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
