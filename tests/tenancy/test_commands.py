"""Django's and django-tenants' commands do the right thing here, or say which command does."""

import io
import json
import re

import pytest
from django.core.management import (
    CommandError,
    ManagementUtility,
    call_command,
    get_commands,
    load_command_class,
)
from django.db import ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from events.models import Event
from tenancy import routing
from tenancy.management.refused import RefusedCommand
from tenancy.models import TenantSchema
from tenancy.services import organizations, schema_pool, schema_template

REFUSED = [
    name
    for name, app in sorted(get_commands().items())
    if app == "tenancy" and isinstance(load_command_class(app, name), RefusedCommand)
]


@pytest.fixture
def organization(db):
    return organizations.create_organization(stytch_org_id="o-1", name="Acme", slug="acme-commands")


def run(capsys, *arguments):
    """Run a command as a shell does, and return its status and what it wrote to standard error."""
    try:
        ManagementUtility(["manage.py", *arguments]).execute()
    except SystemExit as ended:
        return ended.code, capsys.readouterr().err
    return 0, capsys.readouterr().err


def test_every_command_of_django_tenants_is_replaced_but_one():
    assert [name for name, app in get_commands().items() if app == "django_tenants"] == [
        "tenant_command"
    ]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_command_names_what_to_use(name, capsys):
    status, text = run(capsys, name, "--schema=t_1", "--noinput", "more")

    assert status == 1
    assert text.startswith("CommandError: ")
    assert set(re.findall(r"manage\.py (\w+)", text)) <= get_commands().keys()
    assert re.search("`[^`]+`|slug in the path|dashboard", text)


def test_create_tenant_names_the_sign_up(capsys):
    assert "POST /v1/auth/organizations" in run(capsys, "create_tenant")[1]


@pytest.mark.parametrize("name", ["migrate", "migrate_schemas"])
def test_migrate_migrates_every_schema_and_writes_no_rows_of_shared_apps(name, organization):
    TenantSchema.objects.filter(name=organization.schema_name).update(digest="older")

    call_command(name, "--noinput", verbosity=0)

    assert schema_pool.count_schemas_behind() == 0
    with routing.activate(organization):
        applied = {app for app, _ in MigrationRecorder(connection).applied_migrations()}
    assert applied == schema_template.list_tenant_labels()


@pytest.mark.parametrize(
    "arguments", [["events"], ["--tenant"], ["--schema=t_1"], ["events", "zero"]]
)
def test_migrating_one_schema_is_refused(arguments, db):
    with pytest.raises(CommandError, match="migrate_all"):
        call_command("migrate", *arguments)


def test_migrating_a_shared_app_leaves_the_schemas_alone(organization):
    TenantSchema.objects.filter(name=organization.schema_name).update(digest="older")

    call_command("migrate", "billing", verbosity=0)

    assert schema_pool.count_schemas_behind() == 1


def test_migrate_check_fails_while_a_schema_is_behind(organization):
    call_command("migrate", "--check", verbosity=0)
    TenantSchema.objects.filter(name=organization.schema_name).update(digest="older")

    with pytest.raises(CommandError, match="1 schema"):
        call_command("migrate", "--check", verbosity=0)


@pytest.mark.parametrize("labels", [[], ["events"], ["events.Event", "tenancy"]])
def test_dumpdata_outside_a_schema_is_refused(labels, db):
    with pytest.raises(CommandError, match="tenant_command dumpdata"):
        call_command("dumpdata", *labels)


def test_dumpdata_of_shared_apps_works(organization):
    text = io.StringIO()

    call_command("dumpdata", "tenancy.organization", stdout=text)

    assert "acme-commands" in {row["fields"]["slug"] for row in json.loads(text.getvalue())}


def test_dumpdata_within_a_schema_works(organization):
    text = io.StringIO()

    with routing.activate(organization):
        call_command("dumpdata", "events", stdout=text)

    assert json.loads(text.getvalue())[0]["fields"]["type"] == "organization.created"


def test_dumpdata_by_tenant_command_works(organization):
    text = io.StringIO()

    name = organization.schema_name
    with routing.public():  # the command leaves its process in the schema
        call_command("tenant_command", "dumpdata", "events", schema_name=name, stdout=text)

    assert "organization.created" in text.getvalue()


def test_query_of_tenant_data_outside_a_schema_says_what_to_do(db):
    with pytest.raises(ProgrammingError) as refused:
        Event.objects.count()

    assert "tenancy.routing.activate" in refused.value.__notes__[0]


def test_query_of_another_missing_table_is_left_as_it_is(db):
    with pytest.raises(ProgrammingError) as refused, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM missing")

    assert not hasattr(refused.value, "__notes__")


def test_test_command_names_pytest(capsys):
    status, text = run(capsys, "test", "tests", "--keepdb")

    assert status == 1
    assert "`make test`" in text
    assert "`pytest`" in text
