"""Schemas made ahead, so that a new organization takes one by updating a row."""

import time

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from kit import jobs, locks
from kit.ids import uuid7
from tenancy.errors import SchemaNotReady
from tenancy.models import TenantSchema
from tenancy.services import script

WAIT_SECONDS = 3.0
LOOK_EVERY_SECONDS = 0.05


def claim() -> str:
    """The name of a schema that is now yours, in the running transaction.

    Raises SchemaNotReady when none is in stock and this process holds the web role, which
    creates nothing: call `ensure_stock` before anything that cannot be undone.
    """
    spare = _spares().select_for_update(skip_locked=True).order_by("created_at").first()
    # After the commit: within it, one organization's creation would wait for another's to end.
    transaction.on_commit(_refill)
    if spare is None:
        if not settings.OWNS_DATABASE:
            raise SchemaNotReady(retry_after=2)
        spare = create()
    spare.state = TenantSchema.State.CLAIMED
    spare.claimed_at = timezone.now()
    spare.save(update_fields=["state", "claimed_at"])
    return spare.name


def ensure_stock() -> None:
    """Wait a moment until a spare is there. Raises SchemaNotReady. Not within a transaction."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not _spares().exists():
        if settings.OWNS_DATABASE:
            stock()
            return
        _refill()
        if time.monotonic() > deadline:
            raise SchemaNotReady(retry_after=2)
        time.sleep(LOOK_EVERY_SECONDS)


def stock() -> int:
    """Fill the stock up to `SPARE_SCHEMAS`; how many were made. One process at a time."""
    made = 0
    while made < settings.SPARE_SCHEMAS:
        with transaction.atomic():
            if not locks.try_transaction("tenancy.stock"):
                return made
            if _spares().count() >= settings.SPARE_SCHEMAS:
                return made
            create()
        made += 1
    return made


def create() -> TenantSchema:
    """One new schema under its final, opaque name, in the running transaction."""
    name = f"t_{uuid7().hex}"
    path = connection.ops.quote_name(name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {path}; SET LOCAL search_path TO {path};\n{script.read()}")
    return TenantSchema.objects.create(name=name, digest=script.digest())


def migrate_fleet() -> int:
    """Bring every schema that is behind up to date; how many were."""
    current = script.digest()
    behind = list(TenantSchema.objects.exclude(digest=current).values_list("name", flat=True))
    for name in behind:
        with transaction.atomic():
            script.migrate(name)
            TenantSchema.objects.filter(name=name).update(digest=current)
    return len(behind)


def _refill() -> None:
    jobs.defer("tenancy.stock_schemas", coalesce="stock")


def _spares() -> QuerySet[TenantSchema]:
    return TenantSchema.objects.filter(state=TenantSchema.State.SPARE, digest=script.digest())
