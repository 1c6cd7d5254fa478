"""What a subscription's status means for seats and for access."""

from datetime import datetime, timedelta
from typing import Final

from django.db import models

# How long an organization keeps full access after the first failed payment.
GRACE_PERIOD: Final = timedelta(days=14)


class Status(models.TextChoices):
    """The eight statuses of a subscription, to which each provider's own are mapped.

    An unknown one is stored as it came and changes no access.
    """

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    PAUSED = "paused"


ENDED_STATUSES: Final = (Status.CANCELED, Status.INCOMPLETE_EXPIRED)
ACTIVE_STATUSES: Final = (Status.TRIALING, Status.ACTIVE)


class SeatItem(models.TextChoices):
    """Whether exactly one item of the subscription has one of our seat prices."""

    FOUND = "found"
    MISSING = "missing"
    SEVERAL = "several"


class Access(models.TextChoices):
    """What a subscription opens.

    All of its plan, reading only, or nothing.
    """

    FULL = "full"
    LIMITED = "limited"
    NONE = "none"


class AccountStatus(models.TextChoices):
    """The seed's five words for the same, kept for the front ends that know them."""

    FREE = "free"
    ACTIVE = "active"
    CANCELLED = "cancelled"
    PAST_DUE = "past_due"
    PAUSED = "paused"


def is_active(status: str, *, was_active: bool = False) -> bool:
    """Return whether the subscription is paid for or on trial. An unknown status changes nothing.

    Grace after a failed payment is not active: `decide_access` and `compute_grace_end` tell it.
    """
    return status in ACTIVE_STATUSES if status in Status.values else was_active


def compute_grace_end(status: str, past_due_since: datetime | None) -> datetime | None:
    """Return when full access ends after a failed payment, measured from the first failure."""
    if status != Status.PAST_DUE or past_due_since is None:
        return None
    return past_due_since + GRACE_PERIOD


def decide_access(
    status: str, *, past_due_since: datetime | None, now: datetime, was_active: bool = False
) -> Access:
    """Return what a subscription opens at a time."""
    if status in (Status.TRIALING, Status.ACTIVE):
        return Access.FULL
    if status == Status.PAST_DUE or (status not in Status.values and past_due_since):
        is_over = past_due_since is not None and past_due_since + GRACE_PERIOD <= now
        return Access.LIMITED if is_over else Access.FULL
    if status in (Status.UNPAID, Status.PAUSED):
        return Access.LIMITED
    if status in Status.values:
        return Access.NONE
    return Access.FULL if was_active else Access.NONE


def map_account_status(status: str | None, *, is_ending: bool = False) -> AccountStatus:
    """Return the account status.

    A cancelled one is `cancelled` while the paid period runs out.
    """
    if status in (Status.TRIALING, Status.ACTIVE):
        return AccountStatus.CANCELLED if is_ending else AccountStatus.ACTIVE
    if status in (Status.PAST_DUE, Status.UNPAID):
        return AccountStatus.PAST_DUE
    if status == Status.PAUSED:
        return AccountStatus.PAUSED
    return AccountStatus.CANCELLED if status == Status.CANCELED else AccountStatus.FREE
