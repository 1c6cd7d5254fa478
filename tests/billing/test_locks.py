"""Check that one process at a time calls Stripe about one object."""

import pytest

from billing import providers
from billing.customers import customers, profiles
from billing.invoices import invoices
from billing.models import Notice, NoticeKind
from billing.notices import drafts, notices
from billing.plans import catalog
from billing.subscriptions import changes, subscriptions
from kit.errors import Unavailable
from tests.harness.locking import object_locked, organization_locked, waiting_for


@pytest.fixture
def short_lock_wait(monkeypatch):
    """Shorten the seconds that a request waits for a lock."""
    monkeypatch.setattr(customers, "LOCK_WAIT_SECONDS", 0.05)


def count_changing_requests(acme):
    """Return the number of requests that change something at Stripe."""
    return len(acme.sandbox.requests("stripe", "POST")) + len(
        acme.sandbox.requests("stripe", "DELETE")
    )


@pytest.mark.parametrize(
    "call", ["cancel_subscription", "end_subscription_now", "resume_subscription", "change_price"]
)
def test_one_process_at_a_time_changes_a_subscription(create_organization, short_lock_wait, call):
    acme = create_organization(minimum_seats=1).subscribe()
    if call == "resume_subscription":
        changes.cancel_subscription(organization=acme.row)
    more = {"price": create_organization(minimum_seats=2).price} if call == "change_price" else {}
    before = count_changing_requests(acme)

    with (
        object_locked(f"stripe:subscription:{acme.subscription.external_id}"),
        pytest.raises(Unavailable),
    ):
        getattr(changes, call)(organization=acme.row, **more)

    assert count_changing_requests(acme) == before


def test_end_of_a_deleted_organization_waits_for_the_subscription_lock(
    create_organization, short_lock_wait
):
    acme = create_organization().subscribe()
    acme.row.state = "deleted"
    acme.row.save()

    with (
        object_locked(f"stripe:subscription:{acme.subscription.external_id}"),
        pytest.raises(Unavailable),
    ):
        changes.end_all_subscriptions(organization_id=acme.row.pk)


def test_one_process_at_a_time_opens_a_payment_page(create_organization, short_lock_wait):
    acme = create_organization()
    acme.open_checkout()
    before = count_changing_requests(acme)

    with (
        object_locked(f"stripe:customer:{acme.customer_id}"),
        pytest.raises(Unavailable),
    ):
        acme.open_checkout()

    assert count_changing_requests(acme) == before


def test_one_process_at_a_time_creates_a_customer(create_organization, short_lock_wait):
    acme = create_organization()
    before = count_changing_requests(acme)

    with object_locked(f"customer:{acme.row.pk}"), pytest.raises(Unavailable):
        customers.ensure_customer(organization=acme.row)

    assert count_changing_requests(acme) == before


def test_new_customer_is_locked_until_its_profile_is_pushed(create_organization, short_lock_wait):
    acme = create_organization()
    provider, profile = providers.get_provider("stripe"), customers.get_profile(acme.row)
    external_id = provider.create_customer(
        acme.row.pk, customers.build_provider_profile(profile), key=f"customer:{acme.row.pk}:0"
    )
    before = count_changing_requests(acme)

    with object_locked(f"stripe:customer:{external_id}"), pytest.raises(Unavailable):
        customers.ensure_customer(organization=acme.row)

    assert count_changing_requests(acme) == before + 1  # the repeated creation


@pytest.mark.parametrize("has_customer", [True, False])
def test_one_process_at_a_time_changes_a_profile(
    create_organization, short_lock_wait, has_customer
):
    acme = create_organization()
    key = f"customer:{acme.row.pk}"
    if has_customer:
        key = f"stripe:customer:{customers.ensure_customer(organization=acme.row).external_id}"
    before = count_changing_requests(acme)

    with object_locked(key), pytest.raises(Unavailable):
        profiles.update_profile(organization=acme.row, fields={"city": "Berlin"})

    assert count_changing_requests(acme) == before
    assert customers.get_profile(acme.row).billing_city == ""


def test_one_process_at_a_time_sends_a_notice(create_organization):
    acme = create_organization().subscribe()
    acme.add_member("admin")
    row = changes.end_subscription_now(organization=acme.row)
    draft = drafts.build_draft(NoticeKind.SUBSCRIPTION_ENDED, row.pk)
    sent = Notice.objects.filter(organization=acme.row)

    with (
        object_locked(f"notice:{notices.build_notice_id(draft)}") as holder,
        waiting_for(holder, lambda: notices.send_notice(kind=draft.kind, subject_id=row.pk)),
    ):
        assert not sent.exists()

    assert sent.count() == 1


def test_one_process_at_a_time_publishes_the_catalog(create_organization):
    sandbox = create_organization().sandbox
    before = len(sandbox.requests("stripe", path="/v1/products"))

    with object_locked("billing.catalog") as holder, waiting_for(holder, catalog.publish_catalog):
        assert len(sandbox.requests("stripe", path="/v1/products")) == before


@pytest.mark.parametrize("kind", ["subscription", "customer", "invoice"])
def test_object_is_locked_before_it_is_fetched(create_organization, kind):
    acme = create_organization().subscribe()
    key = {
        "subscription": acme.subscription.external_id,
        "customer": acme.customer_id,
        "invoice": acme.list_invoices()[0].id,
    }[kind]
    pull = {
        "subscription": subscriptions.pull_subscription,
        "customer": customers.pull_customer,
        "invoice": invoices.pull_invoice,
    }[kind]
    path = f"/{key}"
    before = len(acme.sandbox.requests("stripe", "GET", path))

    with (
        object_locked(f"stripe:{kind}:{key}") as holder,
        waiting_for(holder, lambda: pull("stripe", key)),
    ):
        assert len(acme.sandbox.requests("stripe", "GET", path)) == before


def test_one_process_at_a_time_sends_seats(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()

    with (
        object_locked(f"stripe:subscription:{acme.subscription.external_id}") as holder,
        waiting_for(holder, acme.sync_seats),
    ):
        assert acme.list_sent_quantities() == []

    assert acme.billed_quantity == 2


@pytest.mark.parametrize("call", ["sync", "pull"])
def test_seats_are_counted_under_the_organizations_lock(create_organization, call):
    acme = create_organization().subscribe()
    external_id = acme.subscription.external_id
    acme.add_member()
    calls = {
        "sync": acme.sync_seats,
        "pull": lambda: subscriptions.pull_subscription("stripe", external_id),
    }

    with (
        organization_locked(acme.row.pk) as holder,
        waiting_for(holder, calls[call]),
    ):
        assert not acme.attempts.exists()
