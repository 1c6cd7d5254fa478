"""Check what every payment provider and its sandbox must do, for each registered provider."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from billing import handlers, providers
from billing.models import Invoice, Subscription
from billing.providers.errors import KeySpent, ProviderRefused, Refusal
from billing.providers.types import (
    CatalogPlan,
    CatalogPrice,
    CheckoutRequest,
    ObjectKind,
    PeriodPayment,
    PreviewKind,
    Profile,
    SeatChangeRequest,
)
from billing.seat_rules import Charge, Proration
from billing.statuses import ENDED_STATUSES, Status
from billing.subscriptions import subscriptions
from kit.outbound import VendorNotFound, VendorUnavailable
from tests.billing.provider_adapters import ADAPTERS
from webhooks.inbound.registry import BadSignature

pytestmark = pytest.mark.check_all

PROFILE = Profile(
    name="Acme GmbH",
    email="billing@acme.example",
    address_line1="Hauptstraße 1",
    address_line2="Hof",
    city="Berlin",
    postal_code="10115",
    country="DE",
)


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(request, paused_worker, committed, sandbox):
    """Return each provider with what people and networks do to it."""
    return ADAPTERS[request.param](sandbox)


@pytest.fixture
def provider(adapter):
    return adapter.provider


@pytest.fixture
def customer_id(provider):
    return provider.create_customer(uuid4(), PROFILE, key=str(uuid4()))


@pytest.fixture
def subscribe(adapter, provider, customer_id):
    """Return a function that buys a subscription, and returns the provider's snapshot of it."""

    def buy(**terms):
        page = open_page(adapter, customer_id, **terms)
        adapter.pay(page.external_id)
        return provider.fetch_subscription(
            provider.fetch_checkout(page.external_id).subscription_id
        )

    return buy


def open_page(
    adapter,
    customer_id,
    *,
    quantity=2,
    trial_days=0,
    price_id="",
    checkout_id=None,
    organization_id=None,
):
    request = CheckoutRequest(
        organization_id=organization_id or uuid4(),
        checkout_id=checkout_id or uuid4(),
        customer_id=customer_id,
        price_id=price_id or adapter.create_price(),
        quantity=quantity,
        trial_days=trial_days,
        success_url=adapter.redirect_url,
        cancel_url=adapter.redirect_url,
    )
    return adapter.provider.open_checkout(request, key=str(uuid4()))


def build_change(snapshot, quantity, proration=Proration.NEXT_INVOICE, **more):
    (item,) = snapshot.items
    return SeatChangeRequest(
        subscription_id=snapshot.external_id,
        item_id=item.external_id,
        quantity=quantity,
        proration=proration,
        **more,
    )


def change(provider, snapshot, quantity, *more):
    return provider.set_seats(build_change(snapshot, quantity, *more), key=str(uuid4()))


def list_all(provider, kind, **options):
    """List the objects of all pages."""
    found, after = [], ""
    while True:
        page = provider.list_page(kind, after=after, **options)
        found += page.snapshots
        after = page.next
        if not after:
            return found


def test_every_registered_provider_is_checked_here():
    assert set(ADAPTERS) == set(providers.PACKAGES)


# ── Customers ────────────────────────────────────────────────────────────────────────────────
def test_customer_is_created_once_for_a_key(provider):
    organization_id, key = uuid4(), str(uuid4())

    first = provider.create_customer(organization_id, PROFILE, key=key)
    second = provider.create_customer(organization_id, PROFILE, key=key)

    found = provider.fetch_customer(first)
    assert first == second == found.external_id
    assert (found.is_deleted, found.organization_hint) == (False, str(organization_id))


def test_profile_is_replaced_whole(provider, customer_id):
    written = provider.update_customer(customer_id, PROFILE)
    assert written.profile == PROFILE

    provider.update_customer(customer_id, Profile(name="Acme AG", country="CH"))

    assert provider.fetch_customer(customer_id).profile == Profile(name="Acme AG", country="CH")


def test_vat_number_is_replaced_refused_and_removed(adapter, provider, customer_id):
    adapter.add_other_tax_number(customer_id)
    provider.set_vat_number(customer_id, "DE123456789")

    replaced = provider.set_vat_number(customer_id, "FR40303265045")
    assert replaced.vat_number.value == "FR40303265045"
    with pytest.raises(ProviderRefused) as refused:
        provider.set_vat_number(customer_id, adapter.invalid_vat_number)
    assert refused.value.refusal is Refusal.TAX_ID_INVALID
    assert provider.fetch_customer(customer_id).vat_number == replaced.vat_number

    assert provider.set_vat_number(customer_id, "").vat_number is None
    assert adapter.count_other_tax_numbers(customer_id) == 1


def test_deleted_customer_is_told_from_an_unknown_one(adapter, provider, customer_id):
    adapter.delete_customer(customer_id)

    assert provider.fetch_customer(customer_id).is_deleted
    with pytest.raises(VendorNotFound):
        provider.fetch_customer(f"{customer_id}x")


# ── Payment pages ────────────────────────────────────────────────────────────────────────────
def test_open_page_is_listed_and_can_be_closed(adapter, provider, customer_id):
    price_id, checkout_id = adapter.create_price(), uuid4()
    page = open_page(adapter, customer_id, price_id=price_id, checkout_id=checkout_id)

    (listed,) = provider.list_open_checkouts(customer_id)
    fetched = provider.fetch_checkout(page.external_id)

    assert (page.is_open, page.subscription_id) == (True, "")
    assert page.url.startswith("http")
    assert page.expires_at is None or page.expires_at > datetime.now(UTC)
    assert replace(listed, price_ids=()) == page == fetched
    assert (listed.price_ids, listed.checkout_hint) == ((price_id,), str(checkout_id))
    provider.close_checkout(page.external_id)
    assert not provider.fetch_checkout(page.external_id).is_open
    assert provider.list_open_checkouts(customer_id) == []


def test_paid_page_names_its_subscription_and_is_not_closed(adapter, provider, customer_id):
    price_id, checkout_id = adapter.create_price(), uuid4()
    page = open_page(adapter, customer_id, price_id=price_id, checkout_id=checkout_id, quantity=3)
    adapter.pay(page.external_id)

    paid = provider.fetch_checkout(page.external_id)
    bought = provider.fetch_subscription(paid.subscription_id)

    assert not paid.is_open
    with pytest.raises(ProviderRefused):
        provider.close_checkout(page.external_id)
    assert (bought.status, bought.customer_id) == (Status.ACTIVE, customer_id)
    assert bought.checkout_hint == str(checkout_id)
    assert [(item.price_id, item.quantity) for item in bought.items] == [(price_id, 3)]
    assert bought.period_start <= datetime.now(UTC) < bought.period_end
    assert (bought.cancel_at_period_end, bought.trial_end, bought.ended_at) == (False, None, None)
    listed = provider.list_subscriptions(customer_id)
    assert [one.external_id for one in listed] == [bought.external_id]


def test_trial_is_a_status_with_an_end(subscribe):
    bought = subscribe(trial_days=14)

    assert bought.status == Status.TRIALING
    assert bought.trial_end - datetime.now(UTC) > timedelta(days=13)


def test_portal_link_is_made_for_a_customer(adapter, provider, customer_id):
    assert provider.open_portal(customer_id, return_url=adapter.redirect_url).startswith("http")


# ── States of a subscription ─────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("status", Status.values)
def test_status_of_the_provider_is_one_of_ours(adapter, provider, subscribe, status):
    words = [word for word, ours in adapter.statuses.items() if ours == status]
    for word in words:
        bought = subscribe(trial_days=14 if status == Status.TRIALING else 0)
        if status not in (Status.TRIALING, Status.ACTIVE):
            adapter.move_to(bought.external_id, word)

        found = provider.fetch_subscription(bought.external_id)

        assert found.status == status
        assert (found.ended_at is not None) == (status in ENDED_STATUSES)


def test_provider_takes_what_its_terms_allow(adapter, provider, subscribe):
    for word, status in adapter.statuses.items():
        for grows in (True, False):
            charge = provider.seat_terms.find_charge(status, is_ending=False, grows=grows)
            if status in ENDED_STATUSES:
                assert charge is Charge.HELD
            for proration in _list_prorations(charge, grows=grows):
                bought = subscribe(trial_days=14 if status == Status.TRIALING else 0)
                if status not in (Status.TRIALING, Status.ACTIVE):
                    adapter.move_to(bought.external_id, word)
                changed = change(provider, bought, 3 if grows else 1, proration)
                assert (changed.items[0].quantity, changed.status) == (3 if grows else 1, status)


def _list_prorations(charge, *, grows):
    if charge is Charge.HELD:
        return []
    if charge is Charge.SILENT:
        return [Proration.SILENT]
    at_once = [Proration.INVOICE_NOW] if grows else []
    later = [Proration.NEXT_INVOICE] if charge is Charge.BY_POLICY else []
    return [Proration.SILENT, *at_once, *later]


@pytest.mark.parametrize("by", ["period", "date"])
def test_scheduled_end_is_taken_back(adapter, provider, subscribe, by):
    bought = subscribe()
    if by == "period":
        ending = provider.schedule_end(bought.external_id, key=str(uuid4()))
    else:
        adapter.schedule_end_on_a_date(bought.external_id)
        ending = provider.fetch_subscription(bought.external_id)
    assert ending.cancel_at_period_end or ending.cancel_at is not None
    assert ending.status == Status.ACTIVE

    kept = provider.cancel_scheduled_end(bought.external_id, key=str(uuid4()))

    assert (kept.cancel_at_period_end, kept.cancel_at) == (False, None)


def test_end_is_at_once_or_scheduled(provider, subscribe):
    bought = subscribe()

    ended = provider.cancel_now(bought.external_id, key=str(uuid4()))

    if provider.capabilities.ends_at_once:
        assert (ended.status, ended.ended_at is not None) == (Status.CANCELED, True)
    else:
        assert ended.cancel_at_period_end or ended.cancel_at is not None
    assert provider.fetch_subscription(bought.external_id).status == ended.status


# ── Quantities ───────────────────────────────────────────────────────────────────────────────
def test_changed_quantity_is_returned_as_the_provider_has_it(provider, subscribe):
    bought = subscribe(quantity=2)

    changed = change(provider, bought, 5)

    assert changed.items == (replace(bought.items[0], quantity=5),)
    assert provider.fetch_subscription(bought.external_id) == changed


def test_returned_quantity_is_stored_and_not_the_requested_one(adapter, provider, subscribe):
    bought = subscribe(quantity=2)
    adapter.answer_next_change(bought.external_id)

    changed = change(provider, bought, 5)

    assert changed.items[0].quantity == 2


def test_price_changes_with_the_quantity(adapter, provider, subscribe):
    bought = subscribe(quantity=2)
    price_id = adapter.create_price()

    changed = provider.set_seats(build_change(bought, 4, price_id=price_id), key=str(uuid4()))

    assert [(item.price_id, item.quantity) for item in changed.items] == [(price_id, 4)]


def test_used_key_does_not_bring_an_old_quantity_back(provider, subscribe):
    bought, key = subscribe(quantity=2), str(uuid4())
    provider.set_seats(build_change(bought, 3), key=key)
    change(provider, bought, 4)

    try:
        again = provider.set_seats(build_change(bought, 3), key=key)
    except KeySpent:
        assert provider.fetch_subscription(bought.external_id).items[0].quantity == 4
    else:
        assert again == provider.fetch_subscription(bought.external_id)


# ── Refusals, silence, and objects that are gone ─────────────────────────────────────────────
@pytest.mark.parametrize("refusal", [Refusal.PAYMENT_DECLINED, Refusal.OTHER])
def test_refusal_is_in_our_words_with_the_code_of_the_provider(
    adapter, provider, subscribe, refusal
):
    bought = subscribe(quantity=2)
    adapter.refuse_next_change(refusal)

    with pytest.raises(ProviderRefused) as refused:
        change(provider, bought, 3)

    assert (refused.value.refusal, refused.value.vendor) == (refusal, provider.key)
    assert refused.value.code not in ("", refusal)
    assert provider.fetch_subscription(bought.external_id) == bought


def test_unknown_outcome_is_told_from_a_known_one(adapter, provider, subscribe):
    bought = subscribe(quantity=2)
    adapter.limit_next_change(seconds=40)
    with pytest.raises(VendorUnavailable) as limited:
        change(provider, bought, 3)
    assert (limited.value.outcome_known, limited.value.headers["Retry-After"]) == (True, "40")
    assert provider.fetch_subscription(bought.external_id) == bought

    adapter.lose_next_answer()
    with pytest.raises(VendorUnavailable) as lost:
        change(provider, bought, 3)
    assert not lost.value.outcome_known
    assert provider.fetch_subscription(bought.external_id).items[0].quantity == 3


@pytest.mark.parametrize(
    "call",
    ["fetch_customer", "fetch_checkout", "fetch_subscription", "fetch_invoice", "fetch_price"],
)
def test_unknown_object_is_not_found(provider, call):
    with pytest.raises(VendorNotFound):
        getattr(provider, call)("unknown_1")


# ── Invoices and costs ───────────────────────────────────────────────────────────────────────
def test_invoice_has_our_status_and_a_lower_case_currency(provider, subscribe, customer_id):
    bought = subscribe(quantity=2)

    (listed,) = provider.list_invoices(customer_id)

    assert listed == provider.fetch_invoice(listed.external_id)
    assert (listed.status, listed.status in Invoice.Status.values) == ("paid", True)
    assert (listed.customer_id, listed.subscription_id) == (customer_id, bought.external_id)
    assert (listed.total, listed.amount_due, listed.currency) == (2_000, 2_000, "usd")
    assert provider.fetch_period_payment(bought.external_id) is PeriodPayment.PAID


def test_currency_is_lower_case_as_it_is_stored(adapter, provider, subscribe, customer_id):
    subscribe()
    (invoice,) = provider.list_invoices(customer_id)
    adapter.answer_with_upper_case_currency(invoice.external_id)

    assert provider.fetch_invoice(invoice.external_id) == invoice


@pytest.mark.parametrize("proration", list(Proration))
def test_preview_changes_nothing_and_has_a_lower_case_currency(provider, subscribe, proration):
    bought = subscribe(quantity=2)

    cost = provider.preview_cost(build_change(bought, 3, proration))

    assert cost.currency == "usd"
    assert (cost.due_now > 0) == (proration == Proration.INVOICE_NOW)
    if provider.capabilities.previews == PreviewKind.EXACT:
        prorated = proration == Proration.NEXT_INVOICE
        assert cost.due_next_invoice == pytest.approx(4_000 if prorated else 3_000, abs=2)
    assert provider.fetch_subscription(bought.external_id) == bought


# ── Catalog ──────────────────────────────────────────────────────────────────────────────────
def test_catalog_is_published_once_and_an_archived_price_is_not_sold(adapter, provider):
    key = f"contract-{uuid4().hex[:8]}"
    price = CatalogPrice(lookup_key=key, amount=900, currency="usd", interval="month")
    plan = CatalogPlan(key=key, name=key, description=key, prices=(price,))

    first = provider.publish_catalog([plan])[key]
    second = provider.publish_catalog([plan])[key]

    assert (first.is_new, second.is_new) == (True, False)
    assert first.external_id == second.external_id
    found = provider.fetch_price(first.external_id)
    assert (found.is_sold, found.product_id) == (True, first.product_id)
    adapter.archive_price(first.external_id)
    assert not provider.fetch_price(first.external_id).is_sold
    replaced = provider.publish_catalog([plan])[key]
    assert (replaced.is_new, replaced.external_id != first.external_id) == (True, True)


# ── Whole accounts ───────────────────────────────────────────────────────────────────────────
def test_pages_of_an_account_contain_what_is_fetched_alone(provider, subscribe, customer_id):
    bought = subscribe()
    (invoice,) = provider.list_invoices(customer_id)
    recently = datetime.now(UTC) - timedelta(minutes=5)
    expected = {
        ObjectKind.CUSTOMER: provider.fetch_customer(customer_id),
        ObjectKind.SUBSCRIPTION: bought,
        ObjectKind.INVOICE: invoice,
    }

    for kind, snapshot in expected.items():
        listed = list_all(provider, kind, since=recently)
        assert [one for one in listed if one.external_id == snapshot.external_id] == [snapshot]
        later = list_all(provider, kind, since=datetime.now(UTC) + timedelta(minutes=5))
        assert later == []


# ── What we store ────────────────────────────────────────────────────────────────────────────
def test_stored_subscription_is_what_the_provider_returned(adapter, create_organization):
    acme = create_organization(seats=2)
    provider = adapter.provider
    customer_id = provider.create_customer(acme.row.pk, PROFILE, key=str(uuid4()))
    page = open_page(adapter, customer_id, quantity=7, organization_id=acme.row.pk)
    adapter.pay(page.external_id)
    subscription_id = provider.fetch_checkout(page.external_id).subscription_id

    row = subscriptions.pull_subscription(adapter.key, subscription_id)

    found = provider.fetch_subscription(subscription_id)
    (item,) = found.items
    assert (row.provider, row.external_id, row.organization_id) == (
        adapter.key,
        found.external_id,
        acme.row.pk,
    )
    assert (row.status, row.quantity, row.external_item_id, row.external_price_id) == (
        found.status,
        item.quantity,
        item.external_id,
        item.price_id,
    )
    assert (row.current_period_start, row.current_period_end) == (
        found.period_start,
        found.period_end,
    )


def test_same_external_id_at_two_providers_makes_two_rows(second_organization, create_organization):
    row = second_organization.subscription
    globex = create_organization()
    same = {
        "external_id": row.external_id,
        "started_at": row.started_at,
        "pulled_at": row.pulled_at,
        "status": Status.CANCELED,
        "provider": "stripe",
    }
    Subscription.objects.create(organization=globex.row, **same)
    invoice = {
        "external_id": f"in-{row.external_id}",
        "status": "paid",
        "total": 0,
        "currency": "usd",
        "issued_at": row.started_at,
    }
    Invoice.objects.create(organization=globex.row, provider="stripe", **invoice)
    Invoice.objects.create(organization=second_organization.row, provider="second", **invoice)

    subscriptions.pull_subscription("second", row.external_id)

    assert second_organization.subscription.pk == row.pk
    assert globex.row.subscriptions.get().status == Status.CANCELED


# ── Webhooks ─────────────────────────────────────────────────────────────────────────────────
def test_event_is_accepted_with_a_recent_signature_of_its_secret_only(adapter):
    source = providers.get_package(adapter.key).SOURCE
    body = adapter.build_event(next(iter(providers.get_package(adapter.key).EVENT_KINDS)), "one_1")

    source.verify(body, adapter.sign(body), source.secret())

    refused = [
        (body, {}),
        (body + b" ", adapter.sign(body)),
        (body, adapter.sign(body, secret="another")),
        (body, adapter.sign(body, age=400)),
        (body, adapter.sign(body, age=-400)),
    ]
    for given, headers in refused:
        with pytest.raises(BadSignature):
            source.verify(given, headers, source.secret())
    with pytest.raises(BadSignature):
        source.verify(body, adapter.sign(body), "")


def test_each_event_type_is_read_with_the_object_to_fetch(adapter):
    package = providers.get_package(adapter.key)

    for type_, kind in package.EVENT_KINDS.items():
        read = package.SOURCE.read(adapter.build_event(type_, "one_1"))
        assert (read.type, read.object_key, read.livemode) == (type_, "one_1", False)
        assert abs(read.occurred_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert kind in handlers.PULL_BY_KIND
    assert package.SOURCE.read(adapter.build_event(type_, "one_1")).external_id != read.external_id


def test_organization_hint_of_an_event_is_read(adapter):
    package = providers.get_package(adapter.key)
    subscription_types = [
        type_ for type_, kind in package.EVENT_KINDS.items() if kind is ObjectKind.SUBSCRIPTION
    ]

    read = package.SOURCE.read(adapter.build_event(subscription_types[0], "one_1", hint="ours"))

    assert read.organization_hint == "ours"
