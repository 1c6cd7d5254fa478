"""Check which schema a statement runs in, and that each request leaves it."""

import psycopg
import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from events.models import Event
from events.services import log
from tenancy import routing
from tenancy.middleware import ResetSchemaMiddleware
from tenancy.services import organizations
from tests.harness.plugin import DATABASE, WEB_URL, on_database


def create_organization(name):
    return organizations.create_organization(
        stytch_org_id=f"organization-{name}", name=name, slug=name
    )


@pytest.mark.django_db
def test_each_organization_reads_only_its_own_rows():
    acme, globex = create_organization("acme"), create_organization("globex")

    with routing.activate(acme):
        log.record_event(type="organization.updated", target_id=acme.pk)

    with routing.activate(acme):
        assert Event.objects.count() == 2
    with routing.activate(globex):
        assert Event.objects.count() == 1


@pytest.mark.django_db
def test_nested_activation_returns_to_the_outer_one():
    acme, globex = create_organization("acme"), create_organization("globex")

    with routing.activate(acme):
        with routing.activate(globex):
            pass
        assert connection.schema_name == acme.schema_name
    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_exception_inside_leaves_public():
    acme = create_organization("acme")

    with pytest.raises(RuntimeError), routing.activate(acme):
        raise RuntimeError

    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_rolled_back_savepoint_keeps_the_active_schema():
    acme = create_organization("acme")

    with routing.activate(acme):
        with transaction.atomic():
            Event.objects.count()
            transaction.set_rollback(True)
        assert Event.objects.count() == 1


@pytest.mark.django_db
def test_changed_search_path_reads_no_row_of_another_organization():
    acme, globex = create_organization("acme"), create_organization("globex")

    with routing.activate(acme):
        with transaction.atomic():
            with routing.activate(globex):
                assert Event.objects.get().target_id == str(globex.pk)
            assert Event.objects.get().target_id == str(acme.pk)
            transaction.set_rollback(True)
        assert Event.objects.get().target_id == str(acme.pk)
        with connection.cursor() as cursor:
            cursor.execute(f'SET search_path = "{globex.schema_name}", public')
        assert Event.objects.get().target_id == str(acme.pk)


@pytest.mark.django_db
def test_middleware_leaves_public_even_after_a_failure():
    acme = create_organization("acme")

    def view(request):
        routing.enter_schema(acme)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ResetSchemaMiddleware(view)(RequestFactory().get("/"))

    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_middleware_starts_in_public_after_any_use_of_the_thread():
    routing.enter_schema(create_organization("acme"))
    seen = []

    def view(request):
        seen.append(connection.schema_name)
        return HttpResponse()

    ResetSchemaMiddleware(view)(RequestFactory().get("/"))

    assert seen == ["public"]


REFUSED = [
    'UPDATE "{schema}".events_event SET type = type',
    'DELETE FROM "{schema}".events_event',
    'TRUNCATE "{schema}".events_event',
    'CREATE TABLE "{schema}".more (id int)',
    "CREATE SCHEMA more",
    "CREATE TABLE public.more (id int)",
    "DROP TABLE tenancy_organization",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_web_role_cannot(statement, committed):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM tenancy_tenantschema LIMIT 1")
        schema = cursor.fetchone()[0]

    with (
        psycopg.connect(on_database(WEB_URL, DATABASE), autocommit=True) as web,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        web.execute(statement.format(schema=schema))
