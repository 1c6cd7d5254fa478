"""The committed script and the migrations make the same schema."""

import pytest
from django.db import connection, transaction

from tenancy.services import provisioning, script

SHAPE = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = %s ORDER BY 1, ordinal_position""",
    "constraints": """
        SELECT conrelid::regclass::text, contype, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = %s::regnamespace ORDER BY 1, 2, 3""",
    "indexes": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1, 2",
    "privileges": """
        SELECT relname, relacl::text FROM pg_class
        WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'S') ORDER BY 1""",
}


def shape(schema):
    found = {}
    with connection.cursor() as cursor:
        for name, query in SHAPE.items():
            cursor.execute(query, [schema])
            found[name] = [[str(cell).replace(schema, "it") for cell in row] for row in cursor]
    return found


@pytest.mark.django_db
def test_committed_script_is_the_recorded_one():
    assert script.PATH.read_text() == script.record()


@pytest.mark.django_db
def test_script_and_migrations_make_the_same_schema():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "migrated"')
        script.migrate("migrated")
    scripted = provisioning.create().name

    assert shape(scripted) == shape("migrated")
    assert len(shape(scripted)["columns"]) > 10


@pytest.mark.django_db
def test_schema_made_by_script_needs_no_migration():
    name = provisioning.create().name

    with connection.cursor() as cursor:
        cursor.execute(f'SELECT app, name FROM "{name}".django_migrations ORDER BY id')
        recorded = cursor.fetchall()

    assert recorded == script.migrations()
