"""R7: Stripe is away for an hour (a hundred times faster) while two hundred members come and go."""

import random
import time
from collections import Counter

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.seat_sync.push import RETRY_DELAYS_SECONDS
from tests.billing import worker
from tests.billing.organizations import BillingOrganization

pytestmark = pytest.mark.soak

ORGANIZATIONS, CHANGES, AWAY_SECONDS = 20, 200, 36


@pytest.mark.parametrize(
    "trouble",
    [
        {"drop": True},
        {"status": 503},
        {"status": 429},
        {"status": 500},
        {"timeout": 7, "drop": True},
    ],
    ids=["refused", "503", "429", "500", "hang"],
)
def test_long_outage_loses_no_change_and_costs_few_calls(
    sandbox, stack, committed, wait_until_settled, capsys, trouble
):
    organizations = [
        BillingOrganization(sandbox, seats=2).subscribe() for _ in range(ORGANIZATIONS)
    ]
    wait_until_settled(120)
    before = Counter(asked(sandbox))
    sandbox.post("/faults", vendor="stripe", path="/v1", times=1_000_000, **trouble)
    dice, began = random.Random(7), time.monotonic()

    for number in range(CHANGES):
        organization = dice.choice(organizations)
        if dice.random() < 0.6 or len(organization.members) < 2:
            organization.members.append(organization.add_member())
        else:
            organization.remove_member(organization.members.pop())
        if number % 20 == 0:
            time.sleep(AWAY_SECONDS / CHANGES * 10)
    time.sleep(max(0, began + AWAY_SECONDS - time.monotonic()))
    calls = Counter(asked(sandbox)) - before
    sandbox.delete("/faults")
    back = time.monotonic()
    # Five tries soon, then one each ten minutes, of an hour that a slow machine makes longer.
    allowed = (
        len(RETRY_DELAYS_SECONDS)
        + 2
        + (back - began) / (RETRY_DELAYS_SECONDS[-1] * settings.JOB_DELAY_SCALE)
    )
    for organization in organizations:
        worker.reached(organization, len(organization.members), seconds=120)
    late = time.monotonic() - back

    most = max(calls[organization.subscription.external_id] for organization in organizations)
    failed = ProcrastinateJob.objects.filter(status="failed").count()
    with capsys.disabled():
        calls_made = f"{most}/{allowed:.0f} calls"
        print(f"\n{ORGANIZATIONS} in sync {late:.0f} s after the outage; {calls_made}")  # noqa: T201
    assert most <= allowed
    assert failed == 0


def asked(sandbox):
    """The subscription of each request that Stripe has had."""
    return [
        request["path"].rsplit("/", 1)[1]
        for request in sandbox.requests("stripe")
        if "/subscriptions/sub_" in request["path"]
    ]
