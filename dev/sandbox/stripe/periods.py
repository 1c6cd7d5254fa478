"""Compute billing periods from their anchor, so that the 31st returns after February."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from sandbox.store import Document
from sandbox.stripe.protocol.errors import build_parameter_error

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
INTERVAL_SECONDS = {"day": DAY_SECONDS, "week": 7 * DAY_SECONDS}
MAX_TRIAL_DAYS = 730
SHORTEST_INTERVAL_SECONDS = {
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 28 * 86_400,
    "year": 365 * 86_400,
}


def check_trial(params: Document, *, now: int, within: str = "") -> None:
    """Refuse a trial without days, or one longer than two years."""
    days, end = params.get("trial_period_days", 1), params.get("trial_end")
    name = "trial_period_days"
    ok = 1 <= days <= MAX_TRIAL_DAYS
    if ok and isinstance(end, int):
        name = "trial_end"
        ok = now < end <= now + MAX_TRIAL_DAYS * INTERVAL_SECONDS["day"]
    if not ok:
        param = f"{within}[{name}]" if within else name
        raise build_parameter_error(
            f"A trial has 1 to {MAX_TRIAL_DAYS} days: `{name}` is out of bounds.", param=param
        )


def get_period_start(anchor: int, recurring: Document, number: int) -> int:
    """Return the start of the period that is `number` periods after the anchor's."""
    interval, count = recurring["interval"], recurring["interval_count"] * number
    if interval in INTERVAL_SECONDS:
        return anchor + int(timedelta(seconds=INTERVAL_SECONDS[interval] * count).total_seconds())
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def find_period_around(moment: int, anchor: int, recurring: Document) -> tuple[int, int]:
    """Return the start and the end of the period that contains the given time."""
    number = 0
    while get_period_start(anchor, recurring, number) > moment:
        number -= 1
    while get_period_start(anchor, recurring, number + 1) <= moment:
        number += 1
    return (
        get_period_start(anchor, recurring, number),
        get_period_start(anchor, recurring, number + 1),
    )


def find_next_period_start(moment: int, anchor: int, recurring: Document) -> int:
    """Return the first boundary after the given time."""
    length = SHORTEST_INTERVAL_SECONDS[recurring["interval"]] * recurring["interval_count"]
    # Months are never shorter than reckoned here, so the guess is right or a few too many.
    number = max(0, (moment - anchor) // length)
    while number > 0 and get_period_start(anchor, recurring, number) > moment:
        number -= 1
    while get_period_start(anchor, recurring, number) <= moment:
        number += 1
    return get_period_start(anchor, recurring, number)
