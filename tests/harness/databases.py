"""One migrated template for all runs with the same migrations; each process works on a clone."""

import hashlib
import os
import subprocess
import sys
from contextlib import contextmanager

import psycopg
from psycopg import sql

from tests.harness.plugin import CHECKOUT, DATABASE, OWNER_URL, ROOT, WEB_URL, on_database
from tests.harness.stack import poll

# Files that, when changed, need another template.
SOURCES = (
    "src/**/migrations/*.py",
    "src/tenancy/sql/*.sql",
    "src/tenancy/services/*.py",
    "src/config/settings.py",
    "requirements/development.txt",
)
PREFIX = f"tenantry_template_{CHECKOUT}_"


def template_name():
    """Return a name with the digest of the sources, so that no stale template is used."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return PREFIX + digest.hexdigest()[:12]


def create():
    """Clone the template, and build it first when there is none."""
    name = template_name()
    with _server() as server:
        # One process builds it, and the others wait.
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [PREFIX])
        _drop_leftovers(server, keep=name)
        if not _exists(server, name):
            _build(server, name)
        _run(server, "CREATE DATABASE {} TEMPLATE {}", DATABASE, name)


def drop():
    """Drop the clone of this process."""
    with _server() as server:
        _drop(server, DATABASE)


def _build(server, name):
    building = f"{name}_building"
    _drop(server, building)
    _run(server, "CREATE DATABASE {}", building)
    _run(server, "ALTER DATABASE {} SET synchronous_commit TO off", building)
    environment = {
        **os.environ,
        "DATABASE_URL": on_database(WEB_URL, building),
        "DATABASE_OWNER_URL": on_database(OWNER_URL, building),
        "SPARE_SCHEMAS": "12",
    }
    migrate = [sys.executable, str(ROOT / "src/manage.py"), "migrate_all", "-v", "0"]
    subprocess.run(migrate, env=environment, check=True, timeout=240)
    _run(server, "ALTER DATABASE {} RENAME TO {}", building, name)


def _drop_leftovers(server, *, keep):
    """Drop templates of other migrations, and clones whose process has ended."""
    rows = server.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s OR datname LIKE %s",
        [f"{PREFIX}%", f"tenantry_test_{CHECKOUT}_%"],
    ).fetchall()
    for (name,) in rows:
        if name == keep or (name.startswith("tenantry_test_") and _is_alive(name)):
            continue
        _drop(server, name)


def _drop(server, name):
    poll(lambda: _is_dropped(server, name), what=f"the end of {name}")


def _is_dropped(server, name):
    try:
        _run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    except psycopg.errors.InsufficientPrivilege:
        return False  # autovacuum is connected, and only a superuser may end it
    return True


def _is_alive(name):
    try:
        os.kill(int(name.rsplit("_", 1)[1]), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _exists(server, name):
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()


def _run(server, statement, *names):
    server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def _server():
    with psycopg.connect(OWNER_URL, autocommit=True) as connection:
        yield connection
