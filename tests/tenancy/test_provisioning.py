"""Take schemas from the pool, one for each organization, without DDL in a request."""

import secrets
import threading
from datetime import timedelta

import django.db
import pytest
from django.db import transaction
from django.utils import timezone

from tenancy.errors import SchemaNotReady, SlugTaken
from tenancy.models import TenantSchema
from tenancy.services import organizations, schema_pool

SPARE = TenantSchema.State.SPARE


@pytest.mark.django_db
def test_new_organization_takes_a_spare_schema():
    spares = set(TenantSchema.objects.filter(state=SPARE).values_list("name", flat=True))

    acme = organizations.create_organization(
        stytch_org_id="organization-1", name="Acme", slug="Acme"
    )

    assert acme.schema_name in spares
    assert TenantSchema.objects.get(name=acme.schema_name).state == "claimed"
    assert acme.slug == "acme"


@pytest.mark.django_db
def test_web_process_never_creates_a_schema(settings):
    settings.OWNS_DATABASE = False
    TenantSchema.objects.filter(state=SPARE).delete()

    with pytest.raises(SchemaNotReady):
        schema_pool.take_schema()


@pytest.mark.django_db
def test_owner_creates_a_schema_when_none_is_spare():
    TenantSchema.objects.filter(state=SPARE).delete()

    name = schema_pool.take_schema()

    assert TenantSchema.objects.get(name=name).state == "claimed"


@pytest.mark.django_db
def test_spare_of_an_older_release_is_not_used():
    TenantSchema.objects.filter(state=SPARE).update(digest="older")

    name = schema_pool.take_schema()

    assert TenantSchema.objects.get(name=name).digest != "older"


def test_parallel_organizations_get_different_schemas(committed):
    barrier, names = threading.Barrier(2), []

    def claim():
        try:
            with transaction.atomic():
                name = schema_pool.take_schema()
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
        name = schema_pool.take_schema()
        transaction.set_rollback(True)

    assert TenantSchema.objects.get(name=name).state == SPARE


# ── Reservations ───────────────────────────────────────────────────


def get_state(schema):
    return TenantSchema.objects.get(name=schema.name).state


def take_all_spares():
    return {
        schema_pool.take_schema() for _ in range(TenantSchema.objects.filter(state=SPARE).count())
    }


def test_reserved_schema_is_used_by_its_organization_only(committed):
    slug = f"acme-{secrets.token_hex(4)}"

    with schema_pool.reserve_schema(slug=slug) as reservation:
        with transaction.atomic():
            others = take_all_spares()
            transaction.set_rollback(True)
        acme = organizations.create_organization(
            stytch_org_id=f"organization-{slug}", name="Acme", slug=slug, reservation=reservation
        )

    assert reservation.name not in others
    assert acme.schema_name == reservation.name
    assert get_state(reservation) == "claimed"


def test_refused_organization_releases_its_schema(committed):
    with pytest.raises(LookupError), schema_pool.reserve_schema(slug="refused") as reservation:
        raise LookupError

    schema = TenantSchema.objects.get(name=reservation.name)
    assert (schema.state, schema.reserved_slug, schema.reserved_until) == (SPARE, "", None)


def test_slug_reserved_by_one_sign_up_is_refused_to_another(committed):
    with (
        schema_pool.reserve_schema(slug="taken-now"),
        pytest.raises(SlugTaken),
        schema_pool.reserve_schema(slug="Taken-Now"),
    ):
        pass


@pytest.mark.django_db
def test_slug_of_an_organization_is_refused_before_anything_is_reserved():
    organizations.create_organization(stytch_org_id="organization-1", name="Acme", slug="acme-here")

    with pytest.raises(SlugTaken), schema_pool.reserve_schema(slug="Acme-Here"):
        pass

    assert not TenantSchema.objects.filter(state="reserved").exists()


def test_expired_reservation_of_a_killed_process_is_released(committed):
    with schema_pool.reserve_schema(slug="left-over") as left:
        ended = timezone.now() - timedelta(seconds=1)
        TenantSchema.objects.filter(name=left.name).update(reserved_until=ended)
        left.reserved_until = ended

        with schema_pool.reserve_schema(slug="left-over") as again:
            assert again.name == left.name  # the oldest spare
            assert get_schema_of_reservation(left) != left.name


def get_schema_of_reservation(reservation):
    """Return the schema of an organization with this reservation, and roll it back."""
    with transaction.atomic():
        name = schema_pool.take_schema(reservation)
        transaction.set_rollback(True)
    return name


@pytest.mark.django_db
def test_web_process_without_a_spare_refuses_the_reservation(settings, monkeypatch):
    settings.OWNS_DATABASE = False
    monkeypatch.setattr(schema_pool, "WAIT_SECONDS", 0)
    TenantSchema.objects.filter(state=SPARE).delete()

    with pytest.raises(SchemaNotReady), schema_pool.reserve_schema():
        pass
