"""Stop the sale of a price that is archived at the provider, and sell it again when it is not."""

import itertools
import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from billing import tasks
from billing.errors import PriceNotAvailable
from billing.models import Price
from billing.seat_sync import nightly
from billing.subscriptions import changes
from kit.ids import uuid7
from tests.billing.support import (
    build_stripe_client,
    create_plan_price,
    find_waiting_jobs,
    get_stripe_price_id,
)
from tests.harness.locking import object_locked, waiting_for
from webhooks.inbound import registry
from webhooks.inbound.registry import Ignored, ReceivedEvent


def get_product_id(price):
    return build_stripe_client().v1.prices.retrieve(get_stripe_price_id(price)).product


def archive(price, kind="price", *, active=False):
    """Archive a price or its product at Stripe, or make it active again."""
    client = build_stripe_client().v1
    if kind == "price":
        client.prices.update(get_stripe_price_id(price), {"active": active})
    else:
        client.products.update(get_product_id(price), {"active": active})


def handle_event(type_, key):
    """Run the handler of an event of Stripe about an object."""
    received = ReceivedEvent(
        id=uuid7(),
        source="stripe",
        type=type_,
        object_key=key,
        payload={},
        occurred_at=datetime.now(UTC),
    )
    registry.find_handler("stripe", type_)(received)


def pull(price):
    """Fetch a price, as the job of the nightly comparison does."""
    tasks.pull_price(provider="stripe", external_id=get_stripe_price_id(price))


def is_on_sale(price):
    return Price.objects.on_sale("stripe").filter(pk=price.pk).exists()


@pytest.mark.parametrize("kind", ["price", "product"])
def test_archived_price_is_not_sold_until_it_is_active_again(create_organization, kind):
    acme = create_organization(minimum_seats=1)
    key = get_stripe_price_id(acme.price) if kind == "price" else get_product_id(acme.price)

    archive(acme.price, kind)
    handle_event(f"{kind}.updated", key)
    with pytest.raises(PriceNotAvailable):
        acme.open_checkout()
    assert not is_on_sale(acme.price)

    archive(acme.price, kind, active=True)
    handle_event(f"{kind}.updated", key)
    assert acme.open_checkout().url


@pytest.mark.parametrize(
    "order",
    list(itertools.permutations(["price.updated", "product.updated", "price.deleted"])),
    ids=" ".join,
)
def test_order_of_events_does_not_change_what_is_sold(create_organization, order):
    price = create_organization(minimum_seats=1).price
    keys = {"price": get_stripe_price_id(price), "product": get_product_id(price)}
    archive(price)
    archive(price, "product")
    archive(price, active=True)

    for type_ in (*order, order[0]):
        handle_event(type_, keys[type_.partition(".")[0]])

    row = price.provider_prices.get()
    assert (row.is_active, row.archived_at is None) == (True, False)
    since = row.archived_at
    handle_event("price.updated", keys["price"])
    assert price.provider_prices.get().archived_at == since


def test_deleted_price_is_not_sold(create_organization):
    acme = create_organization(minimum_seats=1)
    price_id = get_stripe_price_id(acme.price)
    acme.sandbox.delete(f"/stripe/prices/{price_id}")

    handle_event("price.deleted", price_id)

    assert not is_on_sale(acme.price)


def test_price_of_other_products_of_the_account_is_ignored_without_a_request(create_organization):
    acme = create_organization()

    for type_, key in (("price.updated", "price_other"), ("product.deleted", "prod_other")):
        with pytest.raises(Ignored):
            handle_event(type_, key)

    assert [one for one in acme.sandbox.requests("stripe") if "_other" in one["path"]] == []


def test_subscription_at_an_archived_price_goes_on(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    archive(acme.price)
    archive(acme.price, "product")
    pull(acme.price)

    acme.add_member()
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert acme.subscription.price == acme.price


@pytest.mark.parametrize("call", [changes.change_price, changes.preview_price])
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("kind", ["price", "product"])
def test_change_to_an_archived_price_is_refused(create_organization, call, kind, is_known):
    acme = create_organization().subscribe()
    price = create_plan_price()
    archive(price, kind)
    if is_known:
        pull(price)

    with pytest.raises(PriceNotAvailable):
        call(organization=acme.row, price=price)

    assert not is_on_sale(price)  # Stripe's refusal was followed by a fetch
    assert bool(acme.list_seat_requests()) == (not is_known and call is changes.change_price)
    assert acme.subscription.price == acme.price


def test_checkout_refused_before_the_event_stops_the_sale(create_organization):
    acme = create_organization(minimum_seats=1)
    archive(acme.price, "product")

    with pytest.raises(PriceNotAvailable):
        acme.open_checkout()

    assert not is_on_sale(acme.price)


def test_nightly_comparison_finds_an_archived_price(create_organization):
    price = create_organization(minimum_seats=1).price
    archive(price)

    nightly.defer_prices()

    job = find_waiting_jobs("billing.pull_price", external_id=get_stripe_price_id(price)).last()
    tasks.pull_price(**{name: job.args[name] for name in ("provider", "external_id")})
    assert not is_on_sale(price)


@pytest.mark.parametrize("kind", ["price", "product"])
def test_catalog_is_right_after_a_price_was_archived_replaced_and_revived(
    create_organization, kind
):
    price = create_organization(minimum_seats=1).price
    first, product_id = get_stripe_price_id(price), get_product_id(price)
    archive(price, kind)
    pull(price)

    for _ in range(3):
        call_command("sync_catalog", stdout=StringIO())

    sold = get_stripe_price_id(price)
    assert is_on_sale(price)
    assert (sold == first) == (kind == "product")  # whose price is active again with it
    build_stripe_client().v1.prices.update(first, {"active": True})
    for type_, key in (("price.updated", first), ("product.updated", product_id)):
        handle_event(type_, key)
    call_command("sync_catalog", stdout=StringIO())
    assert (get_stripe_price_id(price), is_on_sale(price)) == (sold, True)


def test_staff_see_whether_a_price_is_on_sale(create_organization, staff_client):
    price = create_organization(minimum_seats=1).price

    def read_cell():
        page = staff_client.get(reverse("admin:billing_price_changelist"), {"q": price.lookup_key})
        return re.search(r'<td class="field-is_on_sale.*?title="(\w+)"', page.text, re.DOTALL)[1]

    before = read_cell()
    archive(price)
    pull(price)

    assert (before, read_cell()) == ("True", "False")


def test_price_is_fetched_while_no_one_else_writes_prices(create_organization):
    price = create_organization(minimum_seats=1).price
    archive(price)

    with object_locked("billing.catalog") as holder, waiting_for(holder, lambda: pull(price)):
        assert is_on_sale(price)
        archive(price, active=True)

    assert is_on_sale(price)
