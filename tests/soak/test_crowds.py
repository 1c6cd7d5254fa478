"""Two hundred people invited at once over HTTP, by twenty threads, who then all accept at once."""

import pytest

from billing.models import SeatAttempt
from tests.billing.test_api import bills, seats
from tests.billing.test_bursts import burst

pytestmark = pytest.mark.soak


def test_two_hundred_at_once_are_exact_and_cost_five_calls(api, world, company, committed):
    world.subscribe(company.admin)
    bills(api, company, 2)

    invited, most = burst(api, world, company, 200)

    assert (invited["counted"], invited["reserved"]) == (2, 200)
    told = seats(api, company)
    assert (told["counted"], told["reserved"], told["provider_quantity"]) == (202, 0, 202)
    assert SeatAttempt.objects.filter(organization_id=company.id).count() <= most
