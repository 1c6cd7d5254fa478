"""Derive code, title and status of a problem from its class."""

import pytest

from kit import errors


class SeatLimitReached(errors.Conflict):
    """All seats are taken.

    Further lines are for developers.
    """


def test_class_name_becomes_the_code():
    assert SeatLimitReached.code == "seat_limit_reached"


def test_first_docstring_line_becomes_the_title():
    assert SeatLimitReached.title == "All seats are taken"


def test_status_comes_from_the_parent():
    assert SeatLimitReached.status == 409


def test_every_problem_is_registered_once():
    kinds = errors.list_problems()

    assert SeatLimitReached in kinds
    assert errors.Problem in kinds
    assert len(kinds) == len(set(kinds))


def test_members_cannot_replace_standard_members():
    with pytest.raises(TypeError, match="status"):
        errors.Conflict(status=200)


def test_unauthenticated_names_the_scheme():
    assert errors.Unauthenticated(headers={"X": "y"}).headers == {
        "WWW-Authenticate": "Bearer",
        "X": "y",
    }


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (12.1, "13")])
def test_retry_after_is_in_whole_seconds(seconds, header):
    assert errors.TooManyRequests(retry_after=seconds).headers["Retry-After"] == header


def test_unavailable_is_retried_after_five_seconds():
    assert errors.Unavailable().headers["Retry-After"] == "5"
