"""Check that many parallel acceptances give exact numbers with few calls."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.models import SeatAttempt
from tests.billing.api_calls import get_seats, wait_for_billed_seats
from tests.billing.support import compute_call_limit


def run_for_each(call, emails):
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(call, emails))


@pytest.mark.parametrize("number", [16, pytest.param(200, marks=pytest.mark.soak)])
def test_parallel_invitations_are_exact_and_cost_few_calls(
    api, front_end, new_organization, committed, number
):
    emails = [new_organization.address(f"p{n}") for n in range(number)]
    front_end.subscribe(new_organization.admin)
    wait_for_billed_seats(api, new_organization, 2)

    run_for_each(
        lambda email: front_end.invite(new_organization.admin, email, role="member"), emails
    )
    invited, started = get_seats(api, new_organization), time.monotonic()
    run_for_each(front_end.accept, emails)
    call_limit = compute_call_limit(started)
    wait_for_billed_seats(api, new_organization, 2 + number)

    joined = get_seats(api, new_organization)
    assert (invited["counted"], invited["reserved"]) == (2, number)
    assert (joined["counted"], joined["reserved"]) == (2 + number, 0)
    assert SeatAttempt.objects.filter(organization_id=new_organization.id).count() <= call_limit
