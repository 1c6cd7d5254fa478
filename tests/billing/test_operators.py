"""Run the commands and open the admin pages of operators."""

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from billing import providers
from billing.customers import portal
from billing.models import Feature, Plan, Price, ProviderPrice, SeatState
from billing.plans import catalog
from billing.plans.definitions import PlanSpec, PriceSpec
from billing.seat_rules import Mode
from billing.seats import report
from billing.subscriptions import subscriptions
from kit.outbound import VendorUnavailable
from tests.billing.support import LANDING, build_stripe_client, get_stripe_price_id

BILLING_MODELS = [
    "customer", "feature", "featureoverride", "invoice", "plan", "seatattempt", "seatchange",
    "seatstate", "subscription",
]  # fmt: skip


def run_command(*command):
    out = StringIO()
    call_command(*command, stdout=out, stderr=out)
    return out.getvalue()


def test_catalog_is_the_same_after_a_second_run(create_organization):
    run_command("sync_catalog")
    before = list(
        ProviderPrice.objects.order_by("pk").values_list("price_id", "external_id", "is_active")
    )

    output = run_command("sync_catalog")

    assert "prices created: 0" in output
    assert (
        list(
            ProviderPrice.objects.order_by("pk").values_list("price_id", "external_id", "is_active")
        )
        == before
    )


def test_catalog_can_be_written_without_stripe(db):
    assert "in the database" in run_command("sync_catalog", "--local")
    assert Plan.objects.filter(is_default=True).count() == 1
    assert Feature.objects.filter(key="audit_history").exists()


def test_changed_amount_creates_a_new_price_and_keeps_the_old_one(db, monkeypatch):
    run_command("sync_catalog", "--local")
    team = next(plan for plan in catalog.PLANS if plan.key == "team")
    changed_plan = type(team)(
        **{name: getattr(team, name) for name in team.__slots__ if name != "prices"},
        prices=(type(team.prices[0])("team_monthly", 1_500, "month"),),
    )
    monkeypatch.setattr(catalog, "PLANS", (changed_plan,))

    catalog.write_catalog()

    rows = Price.objects.filter(lookup_key="team_monthly").order_by("created_at")
    assert [(row.amount, row.is_active) for row in rows] == [(1_200, False), (1_500, True)]


def test_price_archived_at_stripe_is_replaced_and_its_subscriptions_are_synced(
    create_organization,
):
    acme = create_organization(minimum_seats=1).subscribe()
    build_stripe_client().v1.prices.update(get_stripe_price_id(acme.price), {"active": False})
    acme.sandbox.post("/faults", vendor="stripe", path="/v1/prices$", method="POST", status=500)
    with pytest.raises(VendorUnavailable):
        run_command("sync_catalog")

    run_command("sync_catalog")

    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.add_member()
    acme.sync_seats()
    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert get_stripe_price_id(acme.price) != acme.subscription.external_price_id
    assert acme.subscription.price == acme.price


def test_reactivated_price_keeps_its_row(create_organization):
    acme = create_organization(minimum_seats=1).subscribe()
    first = get_stripe_price_id(acme.price)
    prices = build_stripe_client().v1.prices
    prices.update(first, {"active": False})
    run_command("sync_catalog")
    prices.update(get_stripe_price_id(acme.price), {"active": False})
    key = {"lookup_key": acme.price.lookup_key, "transfer_lookup_key": True}
    prices.update(first, {"active": True, **key})

    for _ in range(3):
        run_command("sync_catalog")

    assert get_stripe_price_id(acme.price) == first
    assert acme.price.provider_prices.count() == 2


def test_price_moves_to_the_lookup_key_it_has_at_stripe(create_organization):
    plan = create_organization(minimum_seats=1).price.plan
    (old,) = plan.prices.all()
    new = Price.objects.create(
        plan=plan,
        lookup_key=f"{old.lookup_key}-new",
        amount=1_000,
        currency="usd",
        interval="month",
    )
    key = {"lookup_key": new.lookup_key, "transfer_lookup_key": True}
    moved = get_stripe_price_id(old)
    build_stripe_client().v1.prices.update(moved, key)

    for _ in range(2):
        run_command("sync_catalog")

    assert get_stripe_price_id(new) == moved
    assert get_stripe_price_id(old) != moved


@pytest.fixture
def portal_configuration(sandbox, committed):
    """Return our portal configuration at Stripe, and restore it after the test."""
    run_command("sync_catalog", "--overwrite-portal")
    configurations = build_stripe_client().v1.billing_portal.configurations
    ours = [one for one in configurations.list().data if "tenantry" in one.metadata]
    yield ours[0]
    run_command("sync_catalog", "--overwrite-portal")


def test_portal_settings_changed_by_hand_are_reported_and_kept(portal_configuration):
    configurations = build_stripe_client().v1.billing_portal.configurations
    by_hand = {
        "customer_update": {"enabled": True, "allowed_updates": ["email"]},
        "subscription_cancel": {"enabled": False},
    }
    configurations.update(portal_configuration.id, {"features": by_hand})

    outputs = [run_command("sync_catalog") for _ in range(2)]
    kept = configurations.retrieve(portal_configuration.id)
    run_command("sync_catalog", "--overwrite-portal")

    for output in outputs:
        assert "features.subscription_cancel.enabled is false instead of true" in output
        assert "allowed_updates is email instead of address, email, name, tax_id" in output
        assert "--overwrite-portal" in output
    assert not kept.features.subscription_cancel.enabled
    assert configurations.retrieve(portal_configuration.id).features.subscription_cancel.enabled
    assert "instead of" not in run_command("sync_catalog")


def test_portal_session_keeps_settings_changed_by_hand(create_organization, portal_configuration):
    configurations = build_stripe_client().v1.billing_portal.configurations
    configurations.update(
        portal_configuration.id, {"features": {"invoice_history": {"enabled": False}}}
    )
    providers._create_provider.cache_clear()  # as another process

    portal.create_portal_link(organization=create_organization().row, return_url=LANDING)

    kept = configurations.retrieve(portal_configuration.id)
    assert not kept.features.invoice_history.enabled


def test_portal_settings_deactivated_by_hand_are_made_again(
    create_organization, portal_configuration
):
    acme = create_organization()
    portal.create_portal_link(organization=acme.row, return_url=LANDING)
    configurations = build_stripe_client().v1.billing_portal.configurations
    configurations.update(portal_configuration.id, {"active": False})

    assert portal.create_portal_link(organization=acme.row, return_url=LANDING)

    active = configurations.list({"active": True}).data
    assert [one.id for one in active if "tenantry" in one.metadata] != [portal_configuration.id]


def test_portal_configuration_of_others_is_reported_and_kept(portal_configuration):
    configurations = build_stripe_client().v1.billing_portal.configurations
    other = configurations.create({"features": {"invoice_history": {"enabled": False}}})

    output = run_command("sync_catalog", "--overwrite-portal")

    assert f"{other.id}, a configuration that was made by hand, is not used" in output
    kept = configurations.retrieve(other.id)
    assert not kept.features.invoice_history.enabled
    configurations.update(other.id, {"active": False})


def test_addition_policy_of_a_price_is_stated_in_the_definitions(db, monkeypatch):
    monthly = PriceSpec("policy_monthly", 1_000, "month")
    yearly = PriceSpec("policy_yearly", 10_000, "year", addition_policy="invoice_now")

    def write(*prices):
        monkeypatch.setattr(
            catalog,
            "PLANS",
            (PlanSpec(key="policy", name="Policy", description="", prices=prices),),
        )
        catalog.write_catalog()
        rows = Price.objects.filter(plan__key="policy", is_active=True).order_by("interval")
        return [(row.addition_policy, row.seat_policy.invoices_additions_now) for row in rows]

    assert write(monthly, yearly) == [("", False), ("invoice_now", True)]
    # What the file does not state is kept, also with a new amount.
    unstated = replace(yearly, addition_policy="", amount=11_000)
    assert write(monthly, unstated) == [("", False), ("invoice_now", True)]
    # A stated one is written to the same row.
    before = Price.objects.get(lookup_key="policy_monthly").pk
    assert write(replace(monthly, addition_policy="invoice_now"))[0] == ("invoice_now", True)
    assert Price.objects.get(lookup_key="policy_monthly").pk == before


def test_reconciliation_reports_and_then_repairs(create_organization):
    acme = create_organization().subscribe()
    acme.add_member()
    slug = acme.row.slug

    inspected = run_command("reconcile_seats", "--organization", slug, "--dry-run")
    assert "counted 2, target 2, billed 1, would be sent" in inspected
    assert acme.list_seat_requests() == []

    repaired = run_command("reconcile_seats", "--organization", slug)
    assert "in_sync: counted 2, target 2, billed 2" in repaired


def test_reconciliation_of_an_unknown_organization_is_an_error(committed):
    with pytest.raises(CommandError):
        run_command("reconcile_seats", "--organization", "unknown-organization")


def test_reconciliation_reports_that_stripe_does_not_answer(create_organization):
    acme = create_organization().subscribe()
    acme.add_fault(status=503)

    with pytest.raises(CommandError, match="1 organizations"):
        run_command("reconcile_seats", "--organization", acme.row.slug, "--dry-run")


def test_contract_stops_the_sync_and_automatic_mode_resumes_it(create_organization):
    acme = create_organization().subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=10)
    acme.add_member()
    acme.sync_seats()
    assert (acme.seat_state, acme.billed_quantity) == ("manual", 1)

    report.set_seat_mode(organization=acme.row, mode=Mode.AUTOMATIC, contract_seats=None)
    acme.sync_seats()

    assert (acme.seat_state, acme.billed_quantity) == ("in_sync", 2)


@pytest.mark.parametrize("model", BILLING_MODELS)
def test_staff_can_open_each_list(staff_client, create_organization, model):
    create_organization().subscribe()

    assert staff_client.get(reverse(f"admin:billing_{model}_changelist")).status_code == 200


def test_staff_set_contract_seats_in_the_admin(staff_client, create_organization):
    acme = create_organization().subscribe()
    row = SeatState.objects.get(organization=acme.row)
    address = reverse("admin:billing_seatstate_change", args=[row.pk])

    answer = staff_client.post(address, {"mode": "manual", "contract_seats": "7"})

    row.refresh_from_db()
    assert answer.status_code == 302
    assert (row.mode, row.contract_seats, row.state) == ("manual", 7, "manual")
