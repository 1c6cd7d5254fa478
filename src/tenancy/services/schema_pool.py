"""Schemas made ahead, so that a new organization takes one by updating a row."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from kit import jobs, locks
from kit.ids import uuid7
from tenancy.errors import SchemaNotReady, SlugTaken
from tenancy.models import Organization, TenantSchema
from tenancy.services import schema_template

log = structlog.get_logger(__name__)

WAIT_SECONDS = 3.0
POLL_INTERVAL_SECONDS = 0.05
RESERVATION_SECONDS = 60  # longer than any call to the directory, with what is written after it

State = TenantSchema.State


@contextmanager
def reserve_schema(*, slug: str = "") -> Iterator[TenantSchema]:
    """Hold a spare schema, and `slug` if given, while an organization is made at the directory.

    An organization there cannot be unmade, so what is scarce here is taken first. `take_schema` turns
    the reservation into the organization's schema; otherwise it ends with the block, and after
    `RESERVATION_SECONDS` where the process was killed. Not within a transaction.

    Raises SlugTaken, and SchemaNotReady when no spare was made in `WAIT_SECONDS`.
    """
    reservation = _reserve_spare(slug)
    try:
        yield reservation
    finally:
        _select_held(reservation).update(state=State.SPARE, reserved_until=None, reserved_slug="")


def take_schema(reservation: TenantSchema | None = None) -> str:
    """Take a schema for an organization in the running transaction, and return its name.

    Takes the reserved one if it is still held, else any spare. Raises SchemaNotReady when none is
    spare and this process holds the web role, which creates nothing.
    """
    # After the commit: within it, one organization's creation would wait for another's to end.
    transaction.on_commit(_defer_fill)
    claimed = {"state": State.CLAIMED, "claimed_at": timezone.now()}
    claimed |= {"reserved_until": None, "reserved_slug": ""}
    if reservation is not None and _select_held(reservation).update(**claimed):
        return reservation.name
    spare = _take_spare()
    if spare is None:
        if not settings.OWNS_DATABASE:
            raise SchemaNotReady(retry_after=2)
        spare = create_schema()
    TenantSchema.objects.filter(pk=spare.pk).update(**claimed)
    return spare.name


def has_reservation() -> bool:
    """Return whether a sign-up holds a reservation now."""
    reserved = TenantSchema.objects.filter(state=State.RESERVED)
    return reserved.filter(reserved_until__gt=timezone.now()).exists()


def wait_for_spare() -> None:
    """Wait shortly for a spare schema, outside a transaction. Raises SchemaNotReady."""
    _wait_for(lambda: _select_spares().exists())


def fill_pool() -> int:
    """Create spare schemas up to `SPARE_SCHEMAS` and return how many, one process at a time."""
    created = 0
    while created < settings.SPARE_SCHEMAS:
        with transaction.atomic():
            if not locks.try_lock_transaction("tenancy.schema_pool"):
                return created
            if _select_spares().count() >= settings.SPARE_SCHEMAS:
                return created
            create_schema()
        created += 1
    return created


def create_schema() -> TenantSchema:
    """Create one schema under its final, opaque name in the running transaction."""
    name = f"t_{uuid7().hex}"
    path = connection.ops.quote_name(name)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"CREATE SCHEMA {path}; SET LOCAL search_path TO {path}, public;\n{schema_template.read_script()}"
        )
    return TenantSchema.objects.create(name=name, digest=schema_template.compute_digest())


def migrate_all_schemas() -> tuple[int, list[str]]:
    """Migrate every schema that is behind and return how many, with the names that failed.

    One that cannot be migrated stays as it was and does not stop the others.
    """
    current = schema_template.compute_digest()
    behind = list(_select_behind().values_list("name", flat=True))
    failed = []
    for name in behind:
        try:
            with transaction.atomic():
                schema_template.migrate_schema(name)
                TenantSchema.objects.filter(name=name).update(digest=current)
        except Exception:  # a data migration may raise anything; the others must go on
            connection.ensure_connection()  # unless it was the database that went away
            log.exception("tenant_schema_not_migrated", schema=name)
            failed.append(name)
    return len(behind) - len(failed), failed


def count_schemas_behind() -> int:
    """Return how many schemas lack a migration of this release."""
    return _select_behind().count()


def _reserve_spare(slug: str) -> TenantSchema:
    """Reserve a spare and a slug. Raises SlugTaken and SchemaNotReady."""
    if slug and Organization.objects.live().filter(slug__lower=slug.lower()).exists():
        raise SlugTaken
    return _wait_for(lambda: _try_reserve(slug.lower()))


def _try_reserve(slug: str) -> TenantSchema | None:
    try:
        with transaction.atomic():
            _drop_expired(slug)
            spare = _take_spare()
            if spare is None:
                return None
            spare.state, spare.reserved_slug = State.RESERVED, slug
            spare.reserved_until = timezone.now() + timedelta(seconds=RESERVATION_SECONDS)
            spare.save(update_fields=["state", "reserved_slug", "reserved_until"])
            transaction.on_commit(_defer_fill)
    except IntegrityError:  # another sign-up holds the slug at this moment
        raise SlugTaken from None
    return spare


def _drop_expired(slug: str) -> None:
    """Free a slug that a killed process left reserved."""
    if slug:
        left = TenantSchema.objects.available().filter(state=State.RESERVED, reserved_slug=slug)
        left.update(reserved_slug="")


def _select_held(reservation: TenantSchema) -> QuerySet[TenantSchema]:
    """Select the reserved schema, unless its time ran out and another sign-up took it."""
    return TenantSchema.objects.filter(
        name=reservation.name,
        state=State.RESERVED,
        reserved_until=reservation.reserved_until,
    )


def _take_spare() -> TenantSchema | None:
    """Lock the oldest spare until the running transaction ends."""
    return _select_spares().select_for_update(skip_locked=True).order_by("created_at").first()


def _wait_for[Found](find: Callable[[], Found | None]) -> Found:
    """Ask until something is found, having spares made meanwhile. Raises SchemaNotReady."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := find()):
        if time.monotonic() > deadline:
            raise SchemaNotReady(retry_after=2)
        if settings.OWNS_DATABASE:
            fill_pool()
            continue
        _defer_fill()
        time.sleep(POLL_INTERVAL_SECONDS)
    return found


def _defer_fill() -> None:
    jobs.defer_job("tenancy.fill_schema_pool", coalesce="schema_pool")


def _select_behind() -> QuerySet[TenantSchema]:
    return TenantSchema.objects.exclude(digest=schema_template.compute_digest())


def _select_spares() -> QuerySet[TenantSchema]:
    return TenantSchema.objects.available().filter(digest=schema_template.compute_digest())
