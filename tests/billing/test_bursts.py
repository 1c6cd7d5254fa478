"""Many at once: exact numbers, and few calls."""

import time
from concurrent.futures import ThreadPoolExecutor

from billing.models import SeatAttempt
from tests.billing.support import most_calls
from tests.billing.test_api import bills, seats
from tests.harness.stack import poll


def accept_all(world, emails, threads):
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(world.accept, emails))


def burst(api, world, company, number, *, threads=20):
    """Invite so many at once over HTTP, then let all accept at once; the seats in between, and the
    most calls that may have cost."""
    emails = [company.address(f"p{n}") for n in range(number)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda email: world.invite(company.admin, email, role="member"), emails))
    invited, began = seats(api, company), time.monotonic()
    accept_all(world, emails, threads)
    most = most_calls(began)
    poll(lambda: seats(api, company)["provider_quantity"] == 2 + number, seconds=90, what="all")
    return invited, most


def test_forty_invitations_at_once_are_exact_and_cost_few_calls(api, world, company, committed):
    world.subscribe(company.admin)
    bills(api, company, 2)

    invited, most = burst(api, world, company, 40)

    assert (invited["counted"], invited["reserved"]) == (2, 40)
    told = seats(api, company)
    assert (told["counted"], told["reserved"], told["provider_quantity"]) == (42, 0, 42)
    assert SeatAttempt.objects.filter(organization_id=company.id).count() <= most
