"""Create prices, call Stripe outside the product, find jobs and events, run calls in parallel."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import stripe
from django.conf import settings
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.models import Plan, Price, ProviderPrice
from billing.providers.stripe.catalog import build_product_id
from events.models import Event
from tenancy import routing
from tests.harness.plugin import SANDBOX_URL

LANDING = f"{SANDBOX_URL}/landing"


def create_plan_price(*, interval="month", amount=1_000, **terms):
    """Create a plan with the given terms and its price at Stripe.

    The plan is not public, so that no list of plans grows.
    """
    key = f"plan-{secrets.token_hex(4)}"
    plan = Plan.objects.create(key=key, name=key, is_public=False, **terms)
    price = Price.objects.create(
        plan=plan, lookup_key=key, amount=amount, currency="usd", interval=interval
    )
    product_id = build_product_id(key)
    external_id = create_stripe_price(product_id, lookup_key=key, amount=amount, interval=interval)
    ProviderPrice.objects.create(
        price=price, provider="stripe", external_id=external_id, external_product_id=product_id
    )
    return price


def create_stripe_price(product_id, *, lookup_key, amount, interval="month"):
    """Create a product and a price at Stripe, and return the price's id."""
    client = build_stripe_client()
    client.v1.products.create({"id": product_id, "name": lookup_key})
    return client.v1.prices.create(
        {
            "product": product_id,
            "lookup_key": lookup_key,
            "unit_amount": amount,
            "currency": "usd",
            "recurring": {"interval": interval},
        }
    ).id


def get_stripe_price_id(price):
    """Return the id at Stripe under which a price is sold now."""
    return price.provider_prices.get(provider="stripe", is_active=True).external_id


def hide_at_stripe(acme, object_id):
    """Let Stripe answer that it does not know an object, as with a key of another account."""
    error = {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "message": f"No such object: '{object_id}'",
    }
    acme.sandbox.post(
        "/faults",
        vendor="stripe",
        path=f"/{object_id}",
        status=404,
        times=1000,
        body={"error": error},
    )


def build_stripe_client():
    """Return a client for changes that are made at Stripe outside the product."""
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY, base_addresses={"api": settings.STRIPE_BASE_URL}
    )


def find_waiting_jobs(name, **arguments):
    """Return the jobs of that name with these arguments that no worker has begun."""
    jobs = ProcrastinateJob.objects.filter(task_name=name, status="todo")
    return jobs.filter(**{f"args__{key}": value for key, value in arguments.items()})


def list_event_types(organization, prefix):
    """Return the types of an organization's events that start with a prefix, oldest first."""
    with routing.activate(organization.row):
        events = Event.objects.filter(type__startswith=prefix).order_by("occurred_at")
        return list(events.values_list("type", flat=True))


def run_in_parallel(*calls):
    """Run the calls in parallel, each in a thread with its own connection."""

    def run_and_disconnect(call):
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run_and_disconnect, calls))


def compute_call_limit(started):
    """Return how many calls a burst since then may cost.

    They are five, and one more for each quarter of a minute that a slow machine took.
    """
    return 5 + int(time.monotonic() - started) // 15
