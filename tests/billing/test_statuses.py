"""Check the access and the account status of each subscription status."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.statuses import (
    GRACE_PERIOD,
    Status,
    compute_grace_end,
    decide_access,
    is_active,
    map_account_status,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def get_access(status, *, failed=None, **more):
    return decide_access(status, past_due_since=failed, now=NOW, **more)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("trialing", "full"),
        ("active", "full"),
        ("past_due", "full"),
        ("unpaid", "limited"),
        ("paused", "limited"),
        ("incomplete", "none"),
        ("incomplete_expired", "none"),
        ("canceled", "none"),
    ],
)
def test_status_gives_access(status, expected):
    assert get_access(status, failed=NOW) == expected


def test_grace_ends_two_weeks_after_the_first_failure():
    assert get_access("past_due", failed=NOW - GRACE_PERIOD + timedelta(seconds=1)) == "full"
    assert get_access("past_due", failed=NOW - GRACE_PERIOD) == "limited"
    assert compute_grace_end("past_due", NOW) == NOW + timedelta(days=14)
    assert compute_grace_end("active", NOW) is None


def test_failure_whose_time_is_not_known_ends_no_grace():
    assert get_access("past_due") == "full"
    assert compute_grace_end("past_due", None) is None


@pytest.mark.parametrize("status", Status)
def test_subscription_is_active_while_it_is_paid_for_or_on_trial(status):
    assert is_active(status, was_active=True) == (status in ("trialing", "active"))


def test_ended_subscription_gives_no_access_although_it_was_active():
    assert get_access("canceled", was_active=True) == "none"


def test_unknown_status_after_a_failure_keeps_its_grace():
    assert get_access("invented_tomorrow", failed=NOW) == "full"
    assert get_access("invented_tomorrow", failed=NOW - GRACE_PERIOD, was_active=True) == "limited"


@pytest.mark.parametrize("before", [True, False])
def test_unknown_status_keeps_the_access(before):
    assert is_active("invented_tomorrow", was_active=before) is before
    assert get_access("invented_tomorrow", was_active=before) == ("full" if before else "none")


@pytest.mark.parametrize(
    ("status", "is_ending", "account_status"),
    [
        (None, False, "free"),
        ("incomplete", False, "free"),
        ("incomplete_expired", False, "free"),
        ("trialing", False, "active"),
        ("active", False, "active"),
        ("active", True, "cancelled"),
        ("canceled", False, "cancelled"),
        ("past_due", False, "past_due"),
        ("unpaid", False, "past_due"),
        ("paused", False, "paused"),
    ],
)
def test_account_status_has_five_values(status, is_ending, account_status):
    assert map_account_status(status, is_ending=is_ending) == account_status
