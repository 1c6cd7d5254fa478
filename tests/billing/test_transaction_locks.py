"""Check that each transaction of billing takes the organization's lock before it counts or writes."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from billing import providers
from billing.customers import customers, profiles
from billing.invoices import invoices
from billing.models import SeatState
from billing.seat_rules import Mode
from billing.seat_sync import push, reconcile
from billing.seats import preview, report
from billing.subscriptions import changes, subscriptions
from tests.billing.support import build_stripe_client, create_plan_price, hide_at_stripe
from tests.harness.locking import record_transactions

LOCK = "FOR NO KEY UPDATE"
NEEDS_LOCK = re.compile(
    r"""^(INSERT\ INTO|UPDATE|DELETE\ FROM)\ "billing_  # a write
    |COUNT\(\*\).*"identity_member"                    # a count of seats
    |billing\.sync_seats:                              # a coalesced job
    """,
    re.VERBOSE,
)


@pytest.fixture
def acme(create_organization):
    """Create an organization that pays for one seat and has two members."""
    acme = create_organization(addition_policy="invoice_now").subscribe()
    acme.members.append(acme.add_member())
    return acme


def find_unlocked_statements(transactions):
    """Return the statements that need the organization's lock and precede it."""
    return [
        statement
        for statements in transactions
        for number, statement in enumerate(statements)
        if NEEDS_LOCK.search(statement) and not any(LOCK in one for one in statements[:number])
    ]


def check_locks(call):
    with record_transactions() as transactions:
        call()
    needing = [one for one in transactions if any(map(NEEDS_LOCK.search, one))]
    assert needing, "The call counts and writes nothing."
    assert find_unlocked_statements(needing) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda acme: changes.change_price(organization=acme.row, price=create_plan_price()),
        lambda acme: changes.cancel_subscription(organization=acme.row),
        lambda acme: changes.end_subscription_now(organization=acme.row),
        lambda acme: subscriptions.pull_subscription("stripe", acme.subscription.external_id),
        lambda acme: acme.sync_seats(),
        lambda acme: report.request_sync(acme.row),
        lambda acme: report.set_seat_mode(
            organization=acme.row, mode=Mode.AUTOMATIC, contract_seats=None
        ),
        lambda acme: preview.preview_addition(organization=acme.row, seats=1),
        lambda acme: reconcile.reconcile_organization(organization_id=acme.row.pk),
        lambda acme: profiles.update_profile(organization=acme.row, fields={"city": "Berlin"}),
    ],
    ids=[
        "price change", "scheduled end", "end", "pull", "sync", "sync request", "seat mode",
        "preview", "reconciliation", "profile",
    ],
)  # fmt: skip
def test_organization_is_locked_first(acme, call):
    check_locks(lambda: call(acme))


def test_organization_is_locked_first_when_an_end_is_taken_back(acme):
    changes.cancel_subscription(organization=acme.row)

    check_locks(lambda: changes.resume_subscription(organization=acme.row))


def test_organization_is_locked_first_when_it_is_deleted(acme):
    acme.delete()

    check_locks(lambda: changes.end_all_subscriptions(organization_id=acme.row.pk))


def test_organization_is_locked_first_when_a_profile_has_no_customer(create_organization):
    acme = create_organization()

    check_locks(lambda: profiles.update_profile(organization=acme.row, fields={"city": "Berlin"}))


def test_organization_is_locked_first_when_a_page_is_opened(create_organization):
    acme = create_organization()

    check_locks(acme.open_checkout)  # creates the customer too


def test_organization_is_locked_first_when_a_customer_is_edited_or_unknown(create_organization):
    acme = create_organization()
    customer = customers.ensure_customer(organization=acme.row)
    build_stripe_client().v1.customers.update(customer.external_id, {"name": "Acme Ltd"})
    check_locks(lambda: customers.pull_customer("stripe", customer.external_id))

    hide_at_stripe(acme, customer.external_id)
    check_locks(lambda: customers.pull_customer("stripe", customer.external_id))


def test_organization_is_locked_first_when_an_invoice_is_stored(acme):
    (invoice,) = acme.list_invoices()

    check_locks(lambda: invoices.pull_invoice("stripe", invoice.id))


def test_organization_is_locked_first_when_another_subscription_replaces_the_live_one(acme):
    old = acme.subscription.external_id
    providers.get_provider("stripe").cancel_now(old, key=f"end-{old}")
    second = acme.subscribe_at_stripe()

    check_locks(lambda: subscriptions.pull_subscription("stripe", second))


def test_organization_is_locked_first_when_a_missing_subscription_is_ended(acme):
    hide_at_stripe(acme, acme.subscription.external_id)
    row = subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    check_locks(lambda: subscriptions.end_missing(row))


def test_organization_is_locked_first_when_a_sync_goes_on_later(acme, monkeypatch):
    monkeypatch.setattr(push, "MAX_ROUNDS", 0)

    check_locks(acme.sync_seats)


def test_organization_is_locked_first_when_an_overdue_sync_is_deferred(acme):
    earlier = timezone.now() - timedelta(minutes=5)
    SeatState.objects.filter(organization=acme.row).update(updated_at=earlier)

    check_locks(push.defer_overdue_syncs)
