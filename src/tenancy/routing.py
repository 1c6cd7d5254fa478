"""Which schema statements run in: the only module that switches it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django_tenants.utils import schema_context

from tenancy.models import Organization


@contextmanager
def activate(organization: Organization) -> Iterator[Organization]:
    """Run the block in the organization's schema; finish query sets inside it.

    A lazy query set built here and evaluated outside returns another organization's rows.
    """
    with schema_context(organization.schema_name):
        yield organization


@contextmanager
def public() -> Iterator[None]:
    """Run the block in the public schema and leave it there, whatever the block did."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' own
    try:
        yield
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' own


def enter(organization: Organization) -> None:
    """Stay in the organization's schema until the request ends; the middleware leads back."""
    connection.set_schema(organization.schema_name)  # type: ignore[attr-defined]  # django-tenants' own
