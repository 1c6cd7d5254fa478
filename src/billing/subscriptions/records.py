"""Record the events, the seat changes and the paid seats that an update of a subscription causes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from django.utils import timezone

from billing import event_types, seat_rules
from billing.models import SeatAttempt, SeatChange, SeatState, Subscription
from billing.seat_rules import Proration
from billing.seats import ledger
from billing.statuses import SeatItem
from events.registry import EventType
from tenancy.models import Organization
from tenancy.services import events

log = structlog.get_logger(__name__)

# The columns whose change is recorded, by the name that events use.
AUDITED_COLUMNS: Final = {
    "status": "status",
    "price": "price_id",
    "cancel_at_period_end": "cancel_at_period_end",
    "cancel_at": "cancel_at",
    "collection_paused": "is_collection_paused",
    "seat_item": "seat_item",
}


@dataclass(frozen=True, slots=True)
class PreviousState:
    """The state of a row before an update, blank for a new one."""

    is_new: bool
    has_ended: bool
    was_surplus: bool
    quantity: int | None
    external_price_id: str
    period_start: datetime | None
    paid_seats: int | None
    audited: dict[str, Any]

    @classmethod
    def from_row(cls, row: Subscription) -> "PreviousState":
        """Return the state of a row before it is updated."""
        is_new = row._state.adding  # noqa: SLF001 - Django's documented way to ask
        audited = {} if is_new else _read_audited(row)
        return cls(
            is_new=is_new,
            has_ended=row.has_ended,
            was_surplus=row.is_surplus,
            quantity=row.quantity,
            external_price_id=row.external_price_id,
            period_start=row.current_period_start,
            paid_seats=row.paid_seats,
            audited=audited,
        )


def record_changes(organization: Organization, row: Subscription, before: PreviousState) -> None:
    """Record one event if an update started, changed or ended a subscription."""
    changes = {
        name: (before.audited.get(name), value)
        for name, value in _read_audited(row).items()
        if before.audited.get(name) != value
    }
    replaces_another = before.was_surplus and not row.is_surplus and not row.has_ended
    if not changes and not replaces_another:
        return
    if before.is_new or replaces_another:
        type_ = (
            event_types.SUBSCRIPTION_SURPLUS if row.is_surplus else event_types.SUBSCRIPTION_STARTED
        )
    else:
        type_ = (
            event_types.SUBSCRIPTION_ENDED if row.has_ended else event_types.SUBSCRIPTION_CHANGED
        )
    _record_event(organization, row, type_, changes)
    if row.seat_item != SeatItem.FOUND and "seat_item" in changes and not row.has_ended:
        log.error("seats_misconfigured", organization_id=str(organization.pk), why=row.seat_item)
        _record_event(organization, row, event_types.SEATS_MISCONFIGURED, {})


def record_seat_effects(
    organization: Organization,
    row: Subscription,
    before: PreviousState,
    *,
    is_own_quantity: bool,
) -> None:
    """Record a new target or a drifted quantity, also of a surplus one that became the live one."""
    if row.is_surplus:
        return
    if not is_own_quantity and _has_drifted(row, before):
        seats, _ = SeatState.objects.get_or_create(organization=organization)
        seats.drifted_since = seats.drifted_since or timezone.now()
        seats.save()
        ledger.record_change(
            organization=organization, reason=SeatChange.Reason.QUANTITY_EDITED, subject_id=row.pk
        )
        changes = {"quantity": (before.quantity, row.quantity)}
        _record_event(organization, row, event_types.SEATS_DRIFTED, changes)
    elif before.is_new or before.was_surplus or before.audited != _read_audited(row):
        # What the provider refused before may be accepted now.
        SeatState.objects.filter(organization=organization).update(
            failed_quantity=None, held_until=None
        )
        ledger.record_change(
            organization=organization,
            reason=SeatChange.Reason.SUBSCRIPTION_CHANGED,
            subject_id=row.pk,
        )


def compute_paid_seats(row: Subscription, before: PreviousState) -> int | None:
    """Return the paid seats after an update, set by the quantity in a new period or at another price."""
    is_changed = before.quantity != row.quantity
    attempt = _find_own_change(row) if is_changed and not before.is_new else None
    return seat_rules.compute_paid_seats(
        status=row.status,
        quantity=row.quantity,
        before=before.paid_seats,
        is_new_period=(before.period_start, before.external_price_id)
        != (row.current_period_start, row.external_price_id),
        is_changed=is_changed,
        proration=Proration(attempt.proration) if attempt else None,
    )


def _has_drifted(row: Subscription, before: PreviousState) -> bool:
    if before.is_new or before.was_surplus or row.has_ended or before.quantity == row.quantity:
        return False
    if before.external_price_id != row.external_price_id:
        return False
    return _find_own_change(row) is None


def _find_own_change(row: Subscription) -> SeatAttempt | None:
    """Return the attempt in flight that made the row's quantity."""
    attempts = SeatAttempt.objects.in_flight().filter(subscription=row, quantity=row.quantity or 0)
    return attempts.first()


def _record_event(
    organization: Organization,
    row: Subscription,
    type_: EventType,
    changes: dict[str, tuple[Any, Any]],
) -> None:
    price = row.price.lookup_key if row.price else row.external_price_id
    details = {"status": row.status, "quantity": row.quantity, "price": price}
    events.record(organization, type_, row.pk, changes=changes, details=details)


def _read_audited(row: Subscription) -> dict[str, Any]:
    return {name: getattr(row, column) for name, column in AUDITED_COLUMNS.items()}
