"""The organization's lock: the first lock of any transaction that changes what it owns."""

import uuid
from collections.abc import Iterable

from tenancy.models import Organization


def organization(id: uuid.UUID) -> Organization:  # noqa: A002 - reads locks.organization(id)
    """The organization's row, locked until the transaction ends. Raises Organization.DoesNotExist.

    FOR NO KEY UPDATE: a plain FOR UPDATE would block every insert that references it.
    """
    return Organization.objects.select_for_update(no_key=True, of=("self",)).get(pk=id)


def organizations(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Organization]:
    """The rows of several, locked in the one order that keeps two who want both from a deadlock."""
    rows = Organization.objects.select_for_update(no_key=True, of=("self",))
    return {row.pk: row for row in rows.filter(pk__in=ids).order_by("pk")}
