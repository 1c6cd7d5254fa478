"""Switch the schema that statements run in."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django_tenants.utils import schema_context

from tenancy.models import Organization


@contextmanager
def activate(organization: Organization) -> Iterator[Organization]:
    """Run the block in the organization's schema, where query sets must be evaluated.

    A lazy query set built here and evaluated outside returns another organization's rows.
    """
    with schema_context(organization.schema_name):
        yield organization


@contextmanager
def public() -> Iterator[None]:
    """Run the block in the public schema and return to it afterwards."""
    connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' own
    try:
        yield
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants' own


def enter_schema(organization: Organization) -> None:
    """Switch to the organization's schema until the request ends."""
    connection.set_schema(organization.schema_name)  # type: ignore[attr-defined]  # django-tenants' own
