"""The wall between the control plane and each organization's own tables."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey

from tenancy.services import schema_template


def models(*, tenant):
    return [
        model
        for config in apps.get_app_configs()
        if (config.name in settings.TENANT_APPS) is tenant
        for model in config.get_models(include_auto_created=True)
    ]


def test_every_app_is_wholly_shared_or_wholly_of_an_organization():
    assert not set(settings.SHARED_APPS) & set(settings.TENANT_APPS)


def test_no_tenant_model_points_at_a_shared_one():
    shared = set(models(tenant=False))
    crossing = [
        str(field)
        for model in models(tenant=True)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model in shared
    ]

    assert crossing == []


def test_no_shared_model_points_at_a_tenant_one():
    tenant = set(models(tenant=True))
    crossing = [
        str(field)
        for model in models(tenant=False)
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey) and field.related_model in tenant
    ]

    assert crossing == []


def test_table_names_of_the_two_sides_are_disjoint():
    names = [{model._meta.db_table for model in models(tenant=side)} for side in (True, False)]

    assert names[0]
    assert not names[0] & names[1]


@pytest.mark.django_db
def test_public_schema_holds_no_tenant_table():
    tenant = {model._meta.db_table for model in models(tenant=True)}

    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        public = {name for (name,) in cursor.fetchall()}

    assert not tenant & public


def test_tenant_tables_carry_no_trigger():
    assert "CREATE TRIGGER" not in schema_template.TEMPLATE_PATH.read_text()
