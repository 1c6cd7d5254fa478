"""Many at once: exact numbers, and few calls."""

from concurrent.futures import ThreadPoolExecutor

from billing.models import SeatAttempt
from tests.billing.test_api import bills, seats


def accept_all(world, emails, threads):
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(world.accept, emails))


def burst(api, world, company, number, *, threads=20):
    """Invite so many at once over HTTP, then let all accept at once; how many calls that cost."""
    emails = [company.address(f"p{n}") for n in range(number)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda email: world.invite(company.admin, email, role="member"), emails))
    invited = seats(api, company)
    accept_all(world, emails, threads)
    bills(api, company, 2 + number)
    return invited


def test_forty_invitations_at_once_are_exact_and_cost_few_calls(api, world, company, committed):
    world.subscribe(company.admin)
    bills(api, company, 2)

    invited = burst(api, world, company, 40)

    assert (invited["counted"], invited["reserved"]) == (2, 40)
    told = seats(api, company)
    assert (told["counted"], told["reserved"], told["provider_quantity"]) == (42, 0, 42)
    assert SeatAttempt.objects.filter(organization_id=company.id).count() <= 5
