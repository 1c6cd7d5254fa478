"""What an organization may know and ask about its seats."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.errors import SubscriptionNotChangeable
from billing.seat_rules import Mode
from billing.seats import snapshot
from billing.seats.snapshot import SeatSnapshot
from tenancy import locks as tenancy_locks
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The state anyone of the organization may look at."""

    counted: int
    reserved: int
    minimum: int
    maximum: int | None
    target: int
    provider_quantity: int | None
    state: str
    last_synced_at: datetime | None
    last_error: str | None
    revision: int


def build_report(organization: Organization) -> Report:
    """Return the seats counted now, with the provider's quantity last read."""
    seats = SeatSnapshot.read(organization)
    return Report(
        counted=seats.count.counted,
        reserved=seats.count.reserved,
        minimum=seats.policy.minimum,
        maximum=seats.plan.maximum_seats,
        target=seats.inputs.target,
        provider_quantity=seats.inputs.observed,
        state=seats.decide().state,
        last_synced_at=seats.row.last_synced_at,
        last_error=seats.row.last_error or None,
        revision=seats.row.revision,
    )


def request_sync(organization: Organization) -> Report:
    """Ask for a sync now, also of a quantity that was refused before."""
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        snapshot.defer_sync(locked.pk, is_forced=True)
    return build_report(organization)


def set_seat_mode(*, organization: Organization, mode: Mode, contract_seats: int | None) -> None:
    """Let a contract fix the quantity, or the members again, and defer a sync."""
    with transaction.atomic():
        seats = SeatSnapshot.read(tenancy_locks.lock_organization(organization.pk))
        seats.row.mode = mode
        seats.row.contract_seats = contract_seats
        seats.row.sends_contract = False
        decision = seats.decide()
        seats.save_state(decision)
        if decision.proration is not None:
            snapshot.defer_sync(organization.pk)


def agree_seats(*, organization: Organization, seats: int | None) -> None:
    """Let a contract fix another number. Raises SubscriptionNotChangeable without a contract.

    The contract may have been ended since staff opened the page that offers this.
    """
    with transaction.atomic():
        locked = tenancy_locks.lock_organization(organization.pk)
        known = SeatSnapshot.read(locked)
        if known.row.mode != Mode.MANUAL or known.subscription is None:
            raise SubscriptionNotChangeable("There is no contract to change.")
        if seats is None:
            raise SubscriptionNotChangeable("The number of billed seats is not known.")
        set_seat_mode(organization=locked, mode=Mode.MANUAL, contract_seats=seats)


def order_contract(organization: Organization) -> None:
    """Let the agreed number be sent once, and defer a sync.

    Raises SubscriptionNotChangeable without a contract and a live subscription.
    """
    with transaction.atomic():
        seats = SeatSnapshot.read(tenancy_locks.lock_organization(organization.pk))
        row = seats.row
        if row.mode != Mode.MANUAL or row.contract_seats is None or seats.subscription is None:
            raise SubscriptionNotChangeable("There is no contract to bill.")
        row.sends_contract = True
        row.drifted_since = row.failed_quantity = None
        seats.save_state(seats.decide())
        snapshot.defer_sync(organization.pk)
