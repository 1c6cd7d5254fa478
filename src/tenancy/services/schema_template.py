"""The tenant schema as one SQL script, recorded from the migrations it must equal.

Migrating a new schema takes ten times as long as running the script that the same migrations
amount to. The script is committed; `make check` records it again and compares.
"""

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django_tenants.utils import schema_context

from tenancy.services import schema_diff

TEMPLATE_PATH = Path(__file__).parent.parent / "sql" / "tenant_schema.sql"
SCRATCH_SCHEMA = "recording"
WEB_ROLE_PLACEHOLDER = "{web_role}"
MIGRATIONS_TABLE = "django_migrations"  # its rows carry a time; they are written without one below
LEADING_NOISE = re.compile(r"(\s|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)
# What changes nothing that lasts; a text with a further statement after it may.
READING_KEYWORDS = frozenset(
    "SELECT SHOW SET RESET EXPLAIN SAVEPOINT RELEASE ROLLBACK BEGIN COMMIT".split()
)


class NotRecordable(Exception):
    """Raised when migrations do something a script cannot repeat, as the text explains."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a migration."""

    migration: str
    text: str


def list_tenant_labels() -> set[str]:
    """Return the labels of the apps whose tables live in each organization's schema."""
    return {
        config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS
    }


def migrate_schema(schema_name: str, progress: Callable[..., None] | None = None) -> None:
    """Run the migrations of one schema, with Django's callback `progress`."""
    with schema_context(schema_name, include_public=False):
        MigrationRecorder(connection).ensure_schema()
    with schema_context(schema_name):
        executor = MigrationExecutor(connection, progress)
        executor.migrate(
            [key for key in executor.loader.graph.leaf_nodes() if key[0] in list_tenant_labels()]
        )


@functools.cache
def list_migrations() -> list[tuple[str, str]]:
    """Return every tenant migration in the order they are applied."""
    loader = MigrationLoader(None)  # no connection: the files only
    leaves = [key for key in loader.graph.leaf_nodes() if key[0] in list_tenant_labels()]
    plans = (key for leaf in leaves for key in loader.graph.forwards_plan(leaf))
    return list(dict.fromkeys(key for key in plans if key[0] in list_tenant_labels()))


@functools.cache
def compute_digest() -> str:
    """Return the digest that an up-to-date schema carries."""
    return hashlib.sha256(repr(list_migrations()).encode()).hexdigest()


def record_script() -> str:
    """Return the script that the migrations amount to, read from real runs that are rolled back.

    Raises NotRecordable for a statement that differs from run to run, as one with a generated id or
    time does: every organization would get the same, and recording again something else.
    """
    statements = _record_once()
    for first, second in zip_longest(statements, _record_once()):
        if first != second:
            named = first or second
            raise NotRecordable(
                f"Migration {named.migration} is different each time it runs: {named.text[:200]}\n"
                "Give rows explicit ids and times, or make them when an organization is created "
                "(a receiver of tenancy.signals.organization_created)."
            )
    lines = [statement.text for statement in statements]
    lines += [
        f"INSERT INTO django_migrations (app, name, applied) VALUES ('{app}', '{name}', now())"  # noqa: S608 - names of our own files
        for app, name in list_migrations()
    ]
    role = connection.ops.quote_name(settings.DATABASE_WEB_ROLE)
    return "".join(_terminated(line) for line in lines).replace(role, WEB_ROLE_PLACEHOLDER)


def find_differences(recorded: str) -> list[str]:
    """Return what differs between a schema made by a script and one made by the migrations."""
    with transaction.atomic():
        try:
            with connection.cursor() as cursor:
                cursor.execute('CREATE SCHEMA "scripted"; CREATE SCHEMA "migrated"')
                cursor.execute(
                    f'SET LOCAL search_path TO "scripted", public;\n{with_role(recorded)}'
                )
            migrate_schema("migrated")
            return schema_diff.compare_schemas("scripted", "migrated")
        except DatabaseError as error:
            return [f"the script itself cannot be run: {error}"]
        finally:
            transaction.set_rollback(True)


@functools.cache
def read_script() -> str:
    """Return the committed script, ready to run."""
    return with_role(TEMPLATE_PATH.read_text(encoding="utf-8"))


def with_role(recorded: str) -> str:
    """Return a recorded script with the name of this installation's web role."""
    return recorded.replace(
        WEB_ROLE_PLACEHOLDER, connection.ops.quote_name(settings.DATABASE_WEB_ROLE)
    )


def _record_once() -> list[Statement]:
    statements: list[Statement] = []
    current = ["the table of migrations"]

    def follow(action: str, migration: Migration | None = None, _fake: object = None) -> None:
        if action == "apply_start" and migration is not None:
            current[0] = f"{migration.app_label}.{migration.name}"

    def keep(text: str) -> None:
        if _is_lasting(text):
            statements.append(Statement(current[0], text.strip()))

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{SCRATCH_SCHEMA}"')
        with _listening(keep):
            migrate_schema(SCRATCH_SCHEMA, follow)
        transaction.set_rollback(True)
    return statements


def _is_lasting(text: str) -> bool:
    """Return whether a statement, in any spelling, belongs into the script."""
    body = text[LEADING_NOISE.match(text).end() :].strip()  # type: ignore[union-attr]  # matches ""
    word = re.match(r"\w*", body).group().upper()  # type: ignore[union-attr]  # matches ""
    if not word or (MIGRATIONS_TABLE in body and word != "CREATE"):
        return False
    return word not in READING_KEYWORDS or ";" in body.rstrip("; \n")


def _terminated(text: str) -> str:
    """End a statement with a semicolon, on a line of its own after a trailing comment."""
    body = text.rstrip().rstrip(";")
    return f"{body}\n;\n" if "--" in body.rpartition("\n")[2] else f"{body};\n"


@contextmanager
def _listening(keep: Callable[[str], None]) -> Iterator[None]:
    def listen(execute: Callable[..., object], *call: object) -> object:
        text, params, many = str(call[0]), call[1], call[2]
        compose = connection.ops.compose_sql  # type: ignore[attr-defined]  # PostgreSQL's own
        for values in params if many else [params]:  # type: ignore[attr-defined]  # executemany's
            keep(compose(text, values) if values else text)
        return execute(*call)

    with connection.execute_wrapper(listen):
        yield
