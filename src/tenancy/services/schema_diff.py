"""Compare two schemas by what PostgreSQL's catalog and their tables hold, not by how they were made."""

from collections.abc import Iterator
from typing import Any, Final

from django.db import connection
from psycopg import sql

SCHEMA_PLACEHOLDER: Final = (
    "{schema}"  # stands for the schema's own name, which differs between the two
)

# Each query takes the schema's name and yields (name of the object, its definition).
CATALOG_QUERIES: Final[dict[str, str]] = {
    "column": """
        SELECT table_name || '.' || column_name,
            concat_ws(' ', ordinal_position, data_type, udt_name, character_maximum_length,
                numeric_precision, numeric_scale, is_nullable, column_default, is_identity,
                identity_generation, generation_expression, collation_name)
        FROM information_schema.columns WHERE table_schema = %s""",
    "constraint": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %s::regnamespace""",
    "index": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s",
    "relation": """
        SELECT relname, concat_ws(' ', relkind, relpersistence, relrowsecurity,
            relforcerowsecurity, relispopulated, reloptions::text, relacl::text)
        FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')""",
    "view": """
        SELECT relname, pg_get_viewdef(oid)
        FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind IN ('v', 'm')""",
    "function": """
        SELECT oid::regprocedure::text,
            CASE prokind WHEN 'a' THEN 'aggregate' ELSE pg_get_functiondef(oid) END
                || coalesce(proacl::text, '')
        FROM pg_proc WHERE pronamespace = %s::regnamespace""",
    "sequence": """
        SELECT sequencename, concat_ws(' ', data_type, start_value, min_value, max_value,
            increment_by, cycle, cache_size, last_value)
        FROM pg_sequences WHERE schemaname = %s""",
    "type": """
        SELECT typname, concat_ws(' ', typtype, format_type(typbasetype, typtypmod), typnotnull,
            typdefault, (SELECT array_agg(enumlabel ORDER BY enumsortorder)::text
                         FROM pg_enum WHERE enumtypid = pg_type.oid))
        FROM pg_type WHERE typnamespace = %s::regnamespace AND typtype IN ('e', 'd', 'r')""",
    "trigger": """
        SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = %s::regnamespace AND NOT tgisinternal""",
    "policy": """
        SELECT tablename || '.' || policyname,
            concat_ws(' ', permissive, roles::text, cmd, qual, with_check)
        FROM pg_policies WHERE schemaname = %s""",
    "rule": """
        SELECT tablename || '.' || rulename, definition FROM pg_rules WHERE schemaname = %s""",
    "comment": """
        SELECT relname || '.' || objsubid, description
        FROM pg_description JOIN pg_class ON pg_class.oid = objoid
        WHERE relnamespace = %s::regnamespace AND classoid = 'pg_class'::regclass""",
}
TABLES_QUERY: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY relname"""
MIGRATIONS_TABLE: Final = "django_migrations"  # its `applied` is a time; app and name are compared


def compare_schemas(first: str, second: str) -> list[str]:
    """Return the names of what differs between two schemas, such as `view notes_summary`."""
    left, right = dict(_describe_schema(first)), dict(_describe_schema(second))
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


def _describe_schema(schema: str) -> Iterator[tuple[str, object]]:
    """Yield the name and the content of each object of a schema, its own name left out."""
    for kind, query in CATALOG_QUERIES.items():
        for name, definition in _fetch_rows(query, [schema]):
            yield f"{kind} {_mask_schema(schema, name)}", _mask_schema(schema, definition or "")
    for (table,) in _fetch_rows(TABLES_QUERY, [schema]):
        yield f"rows of {table}", sorted(_list_rows(schema, table))


def _list_rows(schema: str, table: str) -> list[str]:
    name = sql.Identifier(schema, table)
    what = "row.app || row.name" if table == MIGRATIONS_TABLE else "to_jsonb(row)::text"
    query = sql.SQL(f"SELECT {what} FROM {{}} AS row").format(name)  # noqa: S608 - one of two texts
    return [_mask_schema(schema, row) for (row,) in _fetch_rows(query)]


def _fetch_rows(query: Any, params: list[str] | None = None) -> list[tuple[Any, ...]]:  # noqa: ANN401 - text or composed SQL
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return list(cursor.fetchall())


def _mask_schema(schema: str, text: str) -> str:
    return text.replace(schema, SCHEMA_PLACEHOLDER)
