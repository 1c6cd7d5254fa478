"""What is asked of Stripe about one object is asked by one process at a time."""

import pytest

from billing.customers import customers
from billing.invoices import invoices
from billing.subscriptions import changes, subscriptions
from kit.errors import Unavailable
from tests.harness.locking import object_locked, organization_locked, waiting_for


@pytest.fixture
def impatient(monkeypatch):
    """Requests give up at once what another process holds; they would wait for seconds."""
    for module in (changes, customers):
        monkeypatch.setattr(module, "LOCK_WAIT_SECONDS", 0.05)


def asked(acme):
    """How often Stripe was asked to change something."""
    return len(acme.sandbox.requests("stripe", "POST")) + len(
        acme.sandbox.requests("stripe", "DELETE")
    )


@pytest.mark.parametrize(
    "call", ["cancel_subscription", "end_subscription_now", "resume_subscription", "change_price"]
)
def test_subscription_is_changed_by_one_at_a_time(firm, impatient, call):
    acme = firm(minimum_seats=1).subscribe()
    if call == "resume_subscription":
        changes.cancel_subscription(organization=acme.organization)
    more = {"price": firm(minimum_seats=2).price} if call == "change_price" else {}
    before = asked(acme)

    with (
        object_locked(f"stripe:{acme.subscription.external_id}"),
        pytest.raises(Unavailable),
    ):
        getattr(changes, call)(organization=acme.organization, **more)

    assert asked(acme) == before


def test_end_of_a_deleted_organization_waits_for_who_holds_the_subscription(firm, impatient):
    acme = firm().subscribe()
    acme.organization.state = "deleted"
    acme.organization.save()

    with (
        object_locked(f"stripe:{acme.subscription.external_id}"),
        pytest.raises(Unavailable),
    ):
        changes.end_all_subscriptions(organization_id=acme.organization.pk)


def test_payment_page_is_opened_by_one_at_a_time(firm, impatient):
    acme = firm()
    acme.checkout()
    before = asked(acme)

    with (
        object_locked(f"stripe:{acme.organization.customer.stripe_customer_id}"),
        pytest.raises(Unavailable),
    ):
        acme.checkout()

    assert asked(acme) == before


def test_customer_is_made_by_one_at_a_time(firm, impatient):
    acme = firm()
    before = asked(acme)

    with object_locked(f"customer:{acme.organization.pk}"), pytest.raises(Unavailable):
        customers.ensure_customer(organization=acme.organization)

    assert asked(acme) == before


@pytest.mark.parametrize("kind", ["subscription", "customer", "invoice"])
def test_object_is_fetched_after_it_was_locked(firm, kind):
    acme = firm().subscribe()
    key = {
        "subscription": acme.subscription.external_id,
        "customer": acme.organization.customer.stripe_customer_id,
        "invoice": acme.invoices()[0].id,
    }[kind]
    pull = {
        "subscription": subscriptions.pull_subscription,
        "customer": customers.pull_customer,
        "invoice": invoices.pull_invoice,
    }[kind]
    path = f"/{key}"
    before = len(acme.sandbox.requests("stripe", "GET", path))

    with (
        object_locked(f"stripe:{key}") as holder,
        waiting_for(holder, lambda: pull(key)),
    ):
        assert len(acme.sandbox.requests("stripe", "GET", path)) == before


def test_seats_are_sent_by_one_at_a_time(firm):
    acme = firm().subscribe()
    acme.join()

    with (
        object_locked(f"stripe:{acme.subscription.external_id}") as holder,
        waiting_for(holder, acme.sync),
    ):
        assert acme.quantities() == []

    assert acme.billed == 2


@pytest.mark.parametrize("call", ["sync", "pull"])
def test_seats_are_counted_under_the_organizations_lock(firm, call):
    acme = firm().subscribe()
    external_id = acme.subscription.external_id
    acme.join()
    calls = {"sync": acme.sync, "pull": lambda: subscriptions.pull_subscription(external_id)}

    with (
        organization_locked(acme.organization.pk) as holder,
        waiting_for(holder, calls[call]),
    ):
        assert not acme.attempts().exists()
