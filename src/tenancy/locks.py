"""Lock organizations first in any transaction that changes what they own."""

import uuid
from collections.abc import Iterable

from tenancy.models import Organization


def lock_organization(organization_id: uuid.UUID) -> Organization:
    """Lock the organization's row until the transaction ends. Raises Organization.DoesNotExist.

    FOR NO KEY UPDATE: a plain FOR UPDATE would block every insert that references it.
    """
    return Organization.objects.select_for_update(no_key=True, of=("self",)).get(pk=organization_id)


def lock_organizations(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Organization]:
    """Lock the rows of several in one order, so that two callers cannot deadlock."""
    rows = Organization.objects.select_for_update(no_key=True, of=("self",))
    return {row.pk: row for row in rows.filter(pk__in=ids).order_by("pk")}
