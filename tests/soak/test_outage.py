"""Check (R7) an outage of one hour, scaled to 36 seconds, while two hundred members change."""

import random
import time
from collections import Counter

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.seat_sync.push import RETRY_DELAYS_SECONDS
from tests.billing import worker_restart
from tests.billing.organizations import BillingOrganization

pytestmark = pytest.mark.soak

ORGANIZATIONS, CHANGES, AWAY_SECONDS = 20, 200, 36


@pytest.mark.parametrize(
    "fault",
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
    sandbox, stack, committed, wait_until_settled, capsys, fault
):
    organizations = [
        BillingOrganization(sandbox, seats=2).subscribe() for _ in range(ORGANIZATIONS)
    ]
    wait_until_settled(120)
    before = Counter(list_requested_subscriptions(sandbox))
    sandbox.post("/faults", vendor="stripe", path="/v1", times=1_000_000, **fault)
    generator, started = random.Random(7), time.monotonic()

    for number in range(CHANGES):
        organization = generator.choice(organizations)
        if generator.random() < 0.6 or len(organization.members) < 2:
            organization.members.append(organization.add_member())
        else:
            organization.remove_member(organization.members.pop())
        if number % 20 == 0:
            time.sleep(AWAY_SECONDS / CHANGES * 10)
    time.sleep(max(0, started + AWAY_SECONDS - time.monotonic()))
    calls = Counter(list_requested_subscriptions(sandbox)) - before
    sandbox.delete("/faults")
    ended = time.monotonic()
    # Five retries in the first minutes, then one every ten minutes; a slow machine takes longer.
    allowed = (
        len(RETRY_DELAYS_SECONDS)
        + 2
        + (ended - started) / (RETRY_DELAYS_SECONDS[-1] * settings.JOB_DELAY_SCALE)
    )
    for organization in organizations:
        worker_restart.wait_for_quantity(organization, len(organization.members), seconds=120)
    delay = time.monotonic() - ended

    maximum = max(calls[organization.subscription.external_id] for organization in organizations)
    failed = ProcrastinateJob.objects.filter(status="failed").count()
    with capsys.disabled():
        calls_made = f"{maximum}/{allowed:.0f} calls"
        print(f"\n{ORGANIZATIONS} in sync {delay:.0f} s after the outage; {calls_made}")  # noqa: T201
    assert maximum <= allowed
    assert failed == 0


def list_requested_subscriptions(sandbox):
    """Return the subscription id of each request to Stripe."""
    return [
        request["path"].rsplit("/", 1)[1]
        for request in sandbox.requests("stripe")
        if "/subscriptions/sub_" in request["path"]
    ]
