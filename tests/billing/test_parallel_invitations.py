"""Many at once: exact numbers, and few calls."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.models import SeatAttempt
from tests.billing.support import compute_call_limit
from tests.billing.test_api import bills, seats


def at_once(act, emails):
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(act, emails))


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.soak)])
def test_parallel_invitations_are_exact_and_cost_few_calls(
    api, front_end, new_organization, committed, number
):
    emails = [new_organization.address(f"p{n}") for n in range(number)]
    front_end.subscribe(new_organization.admin)
    bills(api, new_organization, 2)

    at_once(lambda email: front_end.invite(new_organization.admin, email, role="member"), emails)
    invited, began = seats(api, new_organization), time.monotonic()
    at_once(front_end.accept, emails)
    most = compute_call_limit(began)
    bills(api, new_organization, 2 + number)

    told = seats(api, new_organization)
    assert (invited["counted"], invited["reserved"]) == (2, number)
    assert (told["counted"], told["reserved"]) == (2 + number, 0)
    assert SeatAttempt.objects.filter(organization_id=new_organization.id).count() <= most
