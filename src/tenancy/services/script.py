"""The tenant schema as one SQL script, recorded from the migrations it must equal.

Migrating a new schema takes ten times as long as running the script that the same migrations
amount to. The script is committed; `make check` records it again and compares.
"""

import functools
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django_tenants.utils import schema_context

PATH = Path(__file__).parent.parent / "sql" / "tenant_schema.sql"
SCRATCH = "recording"
WEB_ROLE = "{web_role}"
BOOKKEEPING = 'INSERT INTO "django_migrations"'  # carries a time; written without one below
RECORDED = (
    "CREATE ",
    "ALTER ",
    "DROP ",
    "INSERT ",
    "UPDATE ",
    "GRANT ",
    "REVOKE ",
    "COMMENT ",
    "DO ",
)


def labels() -> set[str]:
    """The labels of the apps whose tables live in each organization's schema."""
    return {
        config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS
    }


def migrate(schema_name: str) -> None:
    """Bring one schema up to date by running its migrations."""
    with schema_context(schema_name, include_public=False):
        MigrationRecorder(connection).ensure_schema()
    with schema_context(schema_name):
        executor = MigrationExecutor(connection)
        executor.migrate([key for key in executor.loader.graph.leaf_nodes() if key[0] in labels()])


@functools.cache
def migrations() -> list[tuple[str, str]]:
    """Every tenant migration there is, in the order they are applied."""
    loader = MigrationLoader(None)  # no connection: the files only
    leaves = [key for key in loader.graph.leaf_nodes() if key[0] in labels()]
    return [
        key for leaf in leaves for key in loader.graph.forwards_plan(leaf) if key[0] in labels()
    ]


@functools.cache
def digest() -> str:
    """What a schema must carry to be up to date."""
    return hashlib.sha256(repr(migrations()).encode()).hexdigest()


def record() -> str:
    """The script that the migrations amount to, read from a real run that is rolled back."""
    statements: list[str] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{SCRATCH}"')
        with _listening(statements):
            migrate(SCRATCH)
        transaction.set_rollback(True)
    statements += [
        f"INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '{name}', now())"  # noqa: S608 - names of our own files
        for app, name in migrations()
    ]
    role = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)
    return "".join(f"{line.strip().rstrip(';')};\n" for line in statements).replace(role, WEB_ROLE)


@functools.cache
def read() -> str:
    """The committed script, ready to run."""
    role = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)
    return PATH.read_text(encoding="utf-8").replace(WEB_ROLE, role)


@contextmanager
def _listening(statements: list[str]) -> Iterator[None]:
    def listen(execute: Callable[..., object], *call: object) -> object:
        text, params = str(call[0]), call[1]
        if text.startswith(RECORDED) and not text.startswith(BOOKKEEPING):
            compose = connection.ops.compose_sql  # type: ignore[attr-defined]  # PostgreSQL's own
            statements.append(compose(text, params) if params else text)
        return execute(*call)

    with connection.execute_wrapper(listen):
        yield
