"""R1 and R2. Any history, told in any order, ends in what Stripe bills."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections

from billing import providers
from billing.models import Price, SeatAttempt
from billing.seat_sync import reconcile
from kit import outbound
from tests.billing.support import create_plan_price
from tests.soak.history import History, live

pytestmark = pytest.mark.soak

SECONDS = 300
AT_ONCE = 4
SETTLED = ("in_sync", "none", "over_limit")


@pytest.fixture
def prices(stack, committed):
    return [
        Price.objects.get(lookup_key="team_monthly"),
        create_plan_price(minimum_seats=2, addition_policy="invoice_now"),
        create_plan_price(maximum_seats=3, removal_policy="no_credit"),
    ]


def end_well(history, wait_until_settled):
    """The vendor is calm, owners who fell silent are noticed, and no one looks at anything else."""
    wait_until_settled(120)
    for organization in history.organizations:
        row = live(organization)
        if row is not None and row.status in ("past_due", "unpaid"):
            history.recover(organization)
    wait_until_settled(120)
    for organization in history.organizations:
        for _ in range(4):
            organization.retry_seat_sync()
            organization.sync_seats(is_forced=True)
    wait_until_settled(120)


def check(organization, why):
    """Compare our rows with Stripe, and the billed quantity with the members."""
    customer = getattr(organization.row, "customer", None)
    at_stripe = (
        providers.get_provider().list_subscriptions(customer.stripe_customer_id) if customer else []
    )
    for told in at_stripe:
        row = organization.row.subscriptions.get(external_id=told.external_id)
        known = (row.status, row.quantity, row.cancel_at_period_end, row.stripe_price_id)
        item = told.items[0]
        assert known == (told.status, item.quantity, told.cancel_at_period_end, item.price_id), why
    running = [told for told in at_stripe if told.status not in ("canceled", "incomplete_expired")]
    assert len(running) <= 1, why
    report = organization.report
    assert report.state in SETTLED, (report, why)
    if running:
        assert running[0].items[0].quantity == report.target, (report, why)
    assert not SeatAttempt.objects.in_flight().filter(organization=organization.row).exists(), why


def written(sandbox, since):
    """What Stripe was told since a moment."""
    return [one for one in sandbox.requests("stripe", "POST") if one["at"] > since.isoformat()]


def run(sandbox, wait_until_settled, prices, seeds, *, steps):
    """Some histories side by side, to a calm end; those histories."""

    def live_through(seed):
        try:
            with (
                outbound.use_job_timeouts()
            ):  # four at once would be too many for the door of requests
                return History(sandbox, seed, prices).run(steps)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        histories = list(pool.map(live_through, seeds))
    sandbox.delete("/faults")
    with outbound.use_job_timeouts():
        for history in histories:
            end_well(history, wait_until_settled)
    return histories


def test_random_histories_end_in_sync_with_stripe(sandbox, wait_until_settled, prices, capsys):
    sandbox.post("/webhooks", shuffle=True, duplicate=2, vendor="stripe")
    deadline, seeds, deeds = time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < deadline:
        chosen = range(seeds, seeds + AT_ONCE)
        histories = run(sandbox, wait_until_settled, prices, chosen, steps=40)
        seeds += AT_ONCE
        calm_since = datetime.now(UTC)
        wait_until_settled(60)
        assert not written(sandbox, calm_since), "ping-pong"
        for seed, history in zip(chosen, histories, strict=True):
            deeds += len(history.deeds)
            for organization in history.organizations:
                check(organization, f"seed {seed}: {history.deeds}")

    with capsys.disabled():
        print(f"\n{seeds} histories, {seeds * 3} organizations, {deeds} deeds: all as Stripe says")  # noqa: T201


def test_histories_with_lost_events_are_correct_after_one_reconciliation(
    sandbox, wait_until_settled, prices, capsys
):
    counted = 0
    for first in range(1_000, 1_000 + 3 * AT_ONCE, AT_ONCE):
        sandbox.post("/webhooks", shuffle=True, drop=20, vendor="stripe")
        histories = run(
            sandbox, wait_until_settled, prices, range(first, first + AT_ONCE), steps=30
        )
        sandbox.post("/webhooks")
        organizations = [
            organization for history in histories for organization in history.organizations
        ]
        for organization in organizations:
            reconcile.reconcile_organization(
                organization_id=organization.row.pk, corrects_drift=True
            )
        wait_until_settled(120)
        compared = datetime.now(UTC)
        for organization in organizations:
            reconcile.reconcile_organization(organization_id=organization.row.pk)
            check(organization, f"seeds from {first}")
        assert not written(sandbox, compared)
        counted += len(organizations)

    with capsys.disabled():
        print(f"\n{counted} organizations with lost events: right after one comparison")  # noqa: T201
