"""Many at once: exact numbers, and few calls."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.models import SeatAttempt
from tests.billing.support import most_calls
from tests.billing.test_api import bills, seats


def at_once(act, emails):
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(act, emails))


@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.soak)])
def test_invitations_at_once_are_exact_and_cost_few_calls(api, world, company, committed, number):
    emails = [company.address(f"p{n}") for n in range(number)]
    world.subscribe(company.admin)
    bills(api, company, 2)

    at_once(lambda email: world.invite(company.admin, email, role="member"), emails)
    invited, began = seats(api, company), time.monotonic()
    at_once(world.accept, emails)
    most = most_calls(began)
    bills(api, company, 2 + number)

    told = seats(api, company)
    assert (invited["counted"], invited["reserved"]) == (2, number)
    assert (told["counted"], told["reserved"]) == (2 + number, 0)
    assert SeatAttempt.objects.filter(organization_id=company.id).count() <= most
