"""Schemas come from stock, each to one organization, and never by DDL in a request."""

import threading

import django.db
import pytest
from django.db import transaction

from tenancy.errors import SchemaNotReady
from tenancy.models import TenantSchema
from tenancy.services import organizations, provisioning

SPARE = TenantSchema.State.SPARE


@pytest.mark.django_db
def test_new_organization_takes_a_spare_schema():
    spares = set(TenantSchema.objects.filter(state=SPARE).values_list("name", flat=True))

    acme = organizations.create(stytch_org_id="organization-1", name="Acme", slug="Acme")

    assert acme.schema_name in spares
    assert TenantSchema.objects.get(name=acme.schema_name).state == "claimed"
    assert acme.slug == "acme"


@pytest.mark.django_db
def test_web_process_never_creates_a_schema(settings):
    settings.OWNS_DATABASE = False
    TenantSchema.objects.filter(state=SPARE).delete()

    with pytest.raises(SchemaNotReady):
        provisioning.claim()


@pytest.mark.django_db
def test_owner_creates_one_when_the_stock_is_empty():
    TenantSchema.objects.filter(state=SPARE).delete()

    name = provisioning.claim()

    assert TenantSchema.objects.get(name=name).state == "claimed"


@pytest.mark.django_db
def test_spare_of_an_older_release_is_not_given_away():
    TenantSchema.objects.filter(state=SPARE).update(digest="older")

    name = provisioning.claim()

    assert TenantSchema.objects.get(name=name).digest != "older"


def test_two_organizations_at_once_get_two_schemas(committed):
    barrier, names = threading.Barrier(2), []

    def claim():
        try:
            with transaction.atomic():
                name = provisioning.claim()
                barrier.wait(timeout=10)
                names.append(name)
        finally:
            django.db.connection.close()

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert len(set(names)) == 2


def test_claim_that_rolls_back_returns_the_schema(committed):
    with transaction.atomic():
        name = provisioning.claim()
        transaction.set_rollback(True)

    assert TenantSchema.objects.get(name=name).state == SPARE
