"""Check that the committed script and the migrations create the same schema."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tenancy.models import TenantSchema
from tenancy.services import schema_diff, schema_pool, schema_template


@pytest.mark.django_db
def test_committed_script_is_the_recorded_one():
    assert schema_template.TEMPLATE_PATH.read_text() == schema_template.record_script()


@pytest.mark.django_db
def test_script_and_migrations_make_the_same_schema():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute('CREATE SCHEMA "migrated"')
        schema_template.migrate_schema("migrated")
    scripted = schema_pool.create_schema().name

    assert schema_diff.compare_schemas(scripted, "migrated") == []


@pytest.mark.django_db
def test_schema_made_by_script_needs_no_migration():
    name = schema_pool.create_schema().name

    with connection.cursor() as cursor:
        cursor.execute(f'SELECT app, name FROM "{name}".django_migrations ORDER BY id')
        recorded = cursor.fetchall()

    assert recorded == schema_template.list_migrations()


# ── Added apps ─────────────────────────────────────────────────────────────────────────


@pytest.fixture
def use_migrations(db, settings, tmp_path, monkeypatch):
    """Return a function that gives `events` the migrations of a folder next to this file."""

    def forget():
        schema_template.list_migrations.cache_clear()
        schema_template.compute_digest.cache_clear()
        schema_template.read_script.cache_clear()

    def use(folder):
        settings.MIGRATION_MODULES = {"events": f"tests.tenancy.{folder}"}
        forget()

    monkeypatch.setattr(schema_template, "TEMPLATE_PATH", tmp_path / "tenant_schema.sql")
    forget()
    yield use
    forget()


def run_command(*command):
    call_command("tenant_script", *command, stdout=StringIO())


def list_object_names(schema):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = %s::regnamespace"
            " UNION SELECT typname FROM pg_type WHERE typnamespace = %s::regnamespace",
            [schema] * 3,
        )
        return {row[0] for row in cursor}


def test_new_organizations_get_raw_sql_in_any_spelling_and_rows(use_migrations):
    use_migrations("with_notes")

    run_command()
    run_command("--check")

    schema = schema_pool.create_schema().name
    made = {"events_kind", "notes_summary", "notes_ping", "notes_numbers", "notes_mood"}
    assert made <= list_object_names(schema)
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT name FROM "{schema}".events_kind ORDER BY id')
        assert [row[0] for row in cursor] == ["Plain", "it's"]


def test_row_with_generated_values_is_refused_by_name(use_migrations):
    use_migrations("with_greetings")

    with pytest.raises(CommandError, match=r"events\.0002_greeting is different"):
        run_command()

    assert not schema_template.TEMPLATE_PATH.exists()


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("CREATE MATERIALIZED VIEW", "relation notes_summary"),
        ("create function", "function"),
        ("CREATE SEQUENCE", "sequence notes_numbers"),
        ("create type", "type notes_mood"),
        ("comment on", "comment events_kind.0"),
        ('INSERT INTO "events_kind"', "rows of events_kind"),
    ],
)
def test_check_names_what_the_script_lacks(use_migrations, lost, named):
    use_migrations("with_notes")
    run_command()
    statements = schema_template.TEMPLATE_PATH.read_text().split(";\n")
    schema_template.TEMPLATE_PATH.write_text(
        ";\n".join(each for each in statements if lost not in each)
    )

    with pytest.raises(CommandError, match=named):
        run_command("--check")


def test_check_names_a_script_that_cannot_run(use_migrations):
    run_command()
    schema_template.TEMPLATE_PATH.write_text(
        schema_template.TEMPLATE_PATH.read_text() + "CREATE TABLE events_event ();\n"
    )

    with pytest.raises(CommandError, match="cannot be run"):
        run_command("--check")


# ── Existing schemas ───────────────────────────────────────────────────────────────────────


def test_failed_schema_migration_is_named_and_does_not_stop_others(db):
    broken, fine = schema_pool.create_schema(), schema_pool.create_schema()
    with connection.cursor() as cursor:  # the table of the migration exists already
        cursor.execute(f'DELETE FROM "{broken.name}".django_migrations')
    TenantSchema.objects.filter(name__in=[broken.name, fine.name]).update(digest="older")

    migrated, failed = schema_pool.migrate_all_schemas()

    assert (migrated, failed) == (1, [broken.name])
    fine.refresh_from_db()
    assert fine.digest == schema_template.compute_digest()


def test_migrating_all_ends_with_an_error_that_names_the_schema(db):
    broken = schema_pool.create_schema()
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{broken.name}".django_migrations')
    TenantSchema.objects.filter(name=broken.name).update(digest="older")

    with pytest.raises(CommandError, match=broken.name):
        call_command("migrate_all", stdout=StringIO(), verbosity=0)
