"""Provide organizations with a subscription, and a stack whose worker is paused."""

import httpx
import pytest
from django.db import connection

from billing import providers
from billing.models import ProviderPrice
from billing.subscriptions import subscriptions
from identity.models import User
from tenancy.services import schema_pool
from tests.admin.browsers import open_staff_browser
from tests.billing import second_provider
from tests.billing.api_calls import get_seats, wait_for_billed_seats
from tests.billing.billing_page import BillingPage
from tests.billing.organizations import BillingOrganization
from tests.billing.support import create_plan_price
from tests.harness.clients import Sandbox
from tests.harness.plugin import free_port
from tests.harness.stack import Process, poll
from webhooks.inbound.models import InboundEvent, State


@pytest.fixture(scope="module")
def paused_worker(stack, django_db_setup, django_db_blocker):
    """Pause the worker, so that a job waits until the test runs it."""
    with django_db_blocker.unblock():
        stack.pause_worker()
        connection.close()
    yield
    with django_db_blocker.unblock():
        _delete_waiting_work()
        connection.close()
    stack.worker.resume()


def _delete_waiting_work():
    """Delete the jobs and events that wait, and refill the schema pool."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    InboundEvent.objects.unsettled().update(state=State.IGNORED)
    schema_pool.fill_pool()


@pytest.fixture
def create_organization(paused_worker, committed, sandbox):
    """Return a function that creates organizations: `create_organization(seats=2)`."""
    return lambda **terms: BillingOrganization(sandbox, **terms)


@pytest.fixture
def subscribed_organization(api, front_end, new_organization):
    """Create an organization that pays for two seats, those of its admin and its member."""
    front_end.subscribe(new_organization.admin)
    wait_for_billed_seats(api, new_organization, 2)
    return new_organization


@pytest.fixture
def subscribed_acme(api, front_end, organization_factory):
    """Return an organization that pays for two seats; tests share it and never change it."""
    organization = organization_factory.get_shared_organization("subscribed-acme")
    if get_seats(api, organization)["provider_quantity"] is None:
        front_end.subscribe(organization.admin)
        wait_for_billed_seats(api, organization, 2)
    return organization


@pytest.fixture
def staff_client(committed):
    """Return a browser in which a superuser is signed in."""
    user = User.objects.create(
        email=f"root-{User.objects.count()}@staff.example", is_staff=True, is_superuser=True
    )
    return open_staff_browser(user)


@pytest.fixture
def page(staff_client):
    """Return the billing page of an organization in the admin: `page(acme)`."""
    return lambda acme: BillingPage(staff_client, acme)


@pytest.fixture
def own_sandbox(paused_worker, committed, settings, monkeypatch, tmp_path):
    """Start a second sandbox and use it as Stripe, since its clock ends the sessions of other tests.

    It delivers no webhooks: a test fetches what an event would be about.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("SANDBOX_PORT", str(port))
    monkeypatch.setenv("SANDBOX_SMTP_PORT", str(free_port()))
    monkeypatch.setenv("SANDBOX_PUBLIC_URL", url)
    process, control = Process("sandbox", tmp_path / "sandbox.log"), Sandbox(url)
    process.start()
    settings.STRIPE_BASE_URL = f"{url}/stripe"
    providers._create_provider.cache_clear()
    try:
        poll(lambda: _is_up(control), what="the sandbox")
        control.post("/webhooks", drop=1_000_000_000)
        yield control
    finally:
        control.close()
        process.stop()
        providers._create_provider.cache_clear()


def _is_up(control):
    try:
        return control.get("/clock")
    except httpx.TransportError:
        return None


@pytest.fixture
def second(settings, monkeypatch):
    """Configure a second provider as the one of new customers."""
    monkeypatch.setitem(providers.PACKAGES, second_provider.KEY, second_provider.__name__)
    settings.BILLING_PROVIDERS = (second_provider.KEY, "stripe")
    providers._create_provider.cache_clear()
    yield providers.get_provider(second_provider.KEY)
    providers._create_provider.cache_clear()


@pytest.fixture
def second_organization(second, create_organization):
    """Create an organization with a subscription at the second provider."""
    price = create_plan_price(minimum_seats=1)
    published = price.provider_prices.get()
    ProviderPrice.objects.filter(pk=published.pk).update(provider=second.key)
    acme = create_organization(price=price)
    subscription_id = acme.pay_checkout(acme.open_checkout())
    subscriptions.pull_subscription(second.key, subscription_id)
    return acme


@pytest.fixture
def money_prices(own_sandbox):
    """Return prices that credit removals or not, by month or year, with a trial or not."""
    return [
        create_plan_price(),
        create_plan_price(removal_policy="no_credit"),
        create_plan_price(removal_policy="no_credit", trial_days=14),
        create_plan_price(addition_policy="invoice_now", trial_days=14),
        create_plan_price(interval="year"),
        create_plan_price(interval="year", addition_policy="invoice_now"),
    ]


@pytest.fixture
def create_with_admin(committed, sandbox):
    """Return a function that creates an organization with an admin, while the worker runs."""

    def create(**terms):
        acme = BillingOrganization(sandbox, seats=0, **terms)
        acme.admin = acme.add_member("admin")
        return acme

    return create


@pytest.fixture
def read_inbox(sandbox, wait_until_settled):
    """Return a function that reads the mails to an address once all jobs have run, oldest first."""

    def read(address):
        wait_until_settled()
        return sandbox.get("/inbox", email=address)["mails"][::-1]

    return read


@pytest.fixture
def declined_organization(create_with_admin):
    """Create an organization whose charge for a second seat was declined."""
    acme = create_with_admin(addition_policy="invoice_now").subscribe()
    customer_id = acme.row.customer.external_id
    acme.sandbox.post(f"/stripe/customers/{customer_id}/payment", outcome="decline", times=1)
    acme.add_member()
    acme.sync_seats()
    return acme
