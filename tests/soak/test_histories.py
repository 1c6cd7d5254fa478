"""Check (R1, R2) that random histories end in sync with Stripe, in any order of events."""

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
from tests.soak.history import History, find_live_subscription

pytestmark = pytest.mark.soak

RUN_SECONDS = 300
PARALLEL_HISTORIES = 4
SETTLED_STATES = ("in_sync", "none", "over_limit")


@pytest.fixture
def prices(stack, committed):
    return [
        Price.objects.get(lookup_key="team_monthly"),
        create_plan_price(minimum_seats=2, addition_policy="invoice_now"),
        create_plan_price(maximum_seats=3, removal_policy="no_credit"),
    ]


def finish(history, wait_until_settled):
    """Recover failed payments, let leases expire, and run the remaining syncs."""
    wait_until_settled(120)
    for organization in history.organizations:
        row = find_live_subscription(organization)
        if row is not None and row.status in ("past_due", "unpaid"):
            history.recover_payment(organization)
    wait_until_settled(120)
    for organization in history.organizations:
        for _ in range(4):
            organization.retry_seat_sync()
            organization.sync_seats(is_forced=True)
    wait_until_settled(120)


def check_in_sync(organization, why):
    """Check that our rows equal those of Stripe, and that the billed quantity is the target."""
    customer = getattr(organization.row, "customer", None)
    snapshots = (
        providers.get_provider("stripe").list_subscriptions(customer.external_id)
        if customer
        else []
    )
    for snapshot in snapshots:
        row = organization.row.subscriptions.get(external_id=snapshot.external_id)
        known = (row.status, row.quantity, row.cancel_at_period_end, row.external_price_id)
        item = snapshot.items[0]
        assert known == (
            snapshot.status,
            item.quantity,
            snapshot.cancel_at_period_end,
            item.price_id,
        ), why
    running = [
        snapshot
        for snapshot in snapshots
        if snapshot.status not in ("canceled", "incomplete_expired")
    ]
    assert len(running) <= 1, why
    report = organization.report
    assert report.state in SETTLED_STATES, (report, why)
    if running:
        assert running[0].items[0].quantity == report.target, (report, why)
    assert not SeatAttempt.objects.in_flight().filter(organization=organization.row).exists(), why


def list_changes(sandbox, since):
    """Return the changing requests to Stripe since a time."""
    return [one for one in sandbox.requests("stripe", "POST") if one["at"] > since.isoformat()]


def run_histories(sandbox, wait_until_settled, prices, seeds, *, steps):
    """Run histories in parallel until all work has ended, and return them."""

    def run_one(seed):
        try:
            with outbound.use_job_timeouts():  # four in parallel exceed the limit of web requests
                return History(sandbox, seed, prices).run(steps)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PARALLEL_HISTORIES) as pool:
        histories = list(pool.map(run_one, seeds))
    sandbox.delete("/faults")
    with outbound.use_job_timeouts():
        for history in histories:
            finish(history, wait_until_settled)
    return histories


def test_random_histories_end_in_sync_with_stripe(sandbox, wait_until_settled, prices, capsys):
    sandbox.post("/webhooks", shuffle=True, duplicate=2, vendor="stripe")
    deadline, seeds, operations = time.monotonic() + RUN_SECONDS, 0, 0
    while time.monotonic() < deadline:
        chosen = range(seeds, seeds + PARALLEL_HISTORIES)
        histories = run_histories(sandbox, wait_until_settled, prices, chosen, steps=40)
        seeds += PARALLEL_HISTORIES
        since = datetime.now(UTC)
        wait_until_settled(60)
        assert not list_changes(sandbox, since), "requests after the end"
        for seed, history in zip(chosen, histories, strict=True):
            operations += len(history.operations)
            for organization in history.organizations:
                check_in_sync(organization, f"seed {seed}: {history.operations}")

    with capsys.disabled():
        counts = f"{seeds} histories, {seeds * 3} organizations, {operations} operations"
        print(f"\n{counts}: all in sync")  # noqa: T201


def test_histories_with_lost_events_are_correct_after_one_reconciliation(
    sandbox, wait_until_settled, prices, capsys
):
    counted = 0
    for first in range(1_000, 1_000 + 3 * PARALLEL_HISTORIES, PARALLEL_HISTORIES):
        sandbox.post("/webhooks", shuffle=True, drop=20, vendor="stripe")
        histories = run_histories(
            sandbox, wait_until_settled, prices, range(first, first + PARALLEL_HISTORIES), steps=30
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
            check_in_sync(organization, f"seeds from {first}")
        assert not list_changes(sandbox, compared)
        counted += len(organizations)

    with capsys.disabled():
        print(f"\n{counted} organizations with lost events: in sync after one reconciliation")  # noqa: T201
