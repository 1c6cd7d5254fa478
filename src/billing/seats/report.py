"""What an organization may know and ask about its seats."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from billing.errors import SeatLimitReached, SeatsChanged
from billing.seat_rules import Mode, has_room
from billing.seats import snapshot
from billing.seats.snapshot import Books
from tenancy import locks as tenancy_locks
from tenancy.models import Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The state anyone of the organization may look at."""

    counted: int
    reserved: int
    minimum: int
    included: int
    maximum: int | None
    target: int
    provider_quantity: int | None
    state: str
    last_synced_at: datetime | None
    last_error: str | None
    revision: int


def report(organization: Organization) -> Report:
    """Counted now, not remembered; what Stripe was last heard to say."""
    books = Books.read(organization)
    return Report(
        counted=books.count.counted,
        reserved=books.count.reserved,
        minimum=books.plan.minimum_seats,
        included=books.plan.included_seats,
        maximum=books.plan.maximum_seats,
        target=books.situation.target,
        provider_quantity=books.situation.observed,
        state=books.decide().state,
        last_synced_at=books.seats.last_synced_at,
        last_error=books.seats.last_error or None,
        revision=books.seats.revision,
    )


def request_sync(organization: Organization) -> Report:
    """Ask for a sync now, also of what Stripe refused before."""
    with transaction.atomic():
        locked = tenancy_locks.organization(organization.pk)
        snapshot.defer_sync(locked.pk, is_forced=True)
    return report(organization)


def set_mode(*, organization: Organization, mode: Mode, contract_seats: int | None) -> None:
    """Let a contract fix the number, or the members again; then Stripe is told at once."""
    with transaction.atomic():
        books = Books.read(tenancy_locks.organization(organization.pk))
        books.seats.mode = mode
        books.seats.contract_seats = contract_seats
        decision = books.decide()
        books.settle(decision)
        if decision.proration is not None:
            snapshot.defer_sync(organization.pk)


def require_room(
    *, organization: Organization, role: str, before: str = "", expected_seats: int | None = None
) -> None:
    """Raise SeatLimitReached when a billable role finds no seat, SeatsChanged on a stale screen.

    The caller holds the organization's lock: reserved seats and changes on their way count too.
    """
    books = Books.read(organization)
    roles = books.plan.billable_roles
    if role not in roles or before in roles:
        return
    policy, count = books.plan.seat_policy, books.count
    if not has_room(taken=count.taken, wanted=1, policy=policy):
        raise SeatLimitReached(
            f"The plan has {policy.maximum} seats; {count.taken} are taken or reserved.",
            maximum=policy.maximum,
            counted=count.counted,
            reserved=count.reserved + count.incoming,
        )
    resulting = books.billed_with(1)
    if expected_seats is not None and expected_seats != resulting:
        raise SeatsChanged(
            f"The organization would now pay for {resulting} seats.",
            expected=expected_seats,
            resulting=resulting,
        )
