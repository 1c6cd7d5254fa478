"""Refuse a seat that the plan does not have, or that costs another number than was shown."""

from collections.abc import Sequence

from billing.errors import SeatLimitReached, SeatsChanged
from billing.seat_rules import has_room
from billing.seats.snapshot import SeatSnapshot
from tenancy.models import Organization


def require_room(
    *, organization: Organization, role: str, before: str = "", expected_seats: int | None = None
) -> None:
    """Raise SeatLimitReached when a billable role finds no seat, SeatsChanged on a stale screen.

    The caller holds the organization's lock: reserved seats and changes on their way count too.
    """
    seats = SeatSnapshot.read(organization)
    roles = seats.plan.billable_roles
    added = (role in roles) - (before in roles)
    policy, count = seats.plan.seat_policy, seats.count
    if added > 0 and not has_room(taken=count.taken, wanted=added, policy=policy):
        raise SeatLimitReached(
            f"The plan has {policy.maximum} seats; {count.taken} are taken or reserved.",
            maximum=policy.maximum,
            counted=count.counted,
            reserved=count.reserved + count.incoming,
        )
    if expected_seats is not None:
        _compare_expected(seats, added, expected_seats)


def require_expected(
    *, organization: Organization, roles: Sequence[str], expected_seats: int
) -> None:
    """Raise SeatsChanged unless people with these roles bring the paid seats to this number."""
    seats = SeatSnapshot.read(organization)
    added = sum(role in seats.plan.billable_roles for role in roles)
    _compare_expected(seats, added, expected_seats)


def _compare_expected(seats: SeatSnapshot, added: int, expected: int) -> None:
    resulting = seats.billed_with(added)
    if expected != resulting:
        raise SeatsChanged(
            f"The organization would now pay for {resulting} seats.",
            expected=expected,
            resulting=resulting,
        )
