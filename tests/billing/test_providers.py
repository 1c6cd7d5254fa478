"""Check that rows stay with their payment provider when several are configured."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.utils import timezone

from billing import providers
from billing.providers.errors import ProviderRefused, Refusal
from billing.seat_rules import State
from billing.seat_sync import push
from billing.subscriptions import subscriptions
from kit import locks
from tests.billing.support import find_waiting_jobs, list_event_types


def test_new_customers_go_to_the_first_provider_and_stay_there(second_organization, settings):
    acme = second_organization
    assert (acme.row.customer.provider, acme.subscription.provider) == ("second", "second")

    settings.BILLING_PROVIDERS = ("stripe", "second")
    acme.add_member()
    acme.sync_seats()

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")
    assert acme.subscription.provider == "second"


def test_price_of_another_provider_is_not_sold(second, create_organization):
    acme = create_organization(minimum_seats=1)  # whose price is sold at Stripe only

    with pytest.raises(Exception, match=r"GET /v1/plans"):
        acme.open_checkout()


def test_locks_carry_provider_kind_and_id(committed):
    with locks.hold_vendor_object("lemonsqueezy", "customer", "7"):
        numbers = {
            locks.lock_number(f"{provider}:{kind}:7")
            for provider in ("lemonsqueezy", "paddle")
            for kind in ("customer", "subscription", "invoice")
        }

    assert len(numbers) == 6


def test_refusal_for_now_is_held_and_sent_when_its_time_has_come(second, second_organization):
    acme, until = second_organization, timezone.now() + timedelta(minutes=29)
    second.refusals.append(
        ProviderRefused("second", refusal=Refusal.NOT_NOW, code="renewing", retry_at=until)
    )
    acme.add_member()

    acme.sync_seats()

    assert (acme.seat_state, acme.billed_quantity) == ("held", 1)
    assert acme.seat_row.held_until == until
    assert "seats.failed" not in list_event_types(acme, "seats.")
    retry = find_waiting_jobs("billing.sync_seats", organization_id=str(acme.row.pk))
    assert any(job.scheduled_at and job.scheduled_at >= until for job in retry)

    acme.sync_seats()
    assert acme.billed_quantity == 1  # not before

    type(acme.seat_row).objects.filter(organization=acme.row).update(held_until=timezone.now())
    acme.sync_seats()
    assert (acme.seat_state, acme.billed_quantity) == (State.IN_SYNC, 2)
    assert acme.seat_row.held_until is None


def test_requested_sync_sends_a_held_quantity_at_once(second, second_organization):
    acme, until = second_organization, timezone.now() + timedelta(minutes=29)
    second.refusals.append(
        ProviderRefused("second", refusal=Refusal.NOT_NOW, code="renewing", retry_at=until)
    )
    acme.add_member()
    acme.sync_seats()
    assert acme.seat_state == "held"

    push.sync_seats(organization_id=acme.row.pk, is_forced=True)

    assert (acme.seat_state, acme.billed_quantity) == (State.IN_SYNC, 2)
    states = acme.attempts.order_by("created_at").values_list("state", flat=True)
    assert list(states) == ["superseded", "succeeded"]


def test_refusal_for_now_without_a_time_is_held_for_half_an_hour(second, second_organization):
    second.refusals.append(
        ProviderRefused("second", refusal=Refusal.NOT_NOW, code="renewing", retry_at=None)
    )
    second_organization.add_member()

    second_organization.sync_seats()

    held_until = second_organization.seat_row.held_until
    assert held_until - timezone.now() > push.HOLD_DELAY - timedelta(minutes=1)


def test_refusals_name_the_provider_of_the_row(second, second_organization):
    second.refusals.append(ProviderRefused("second", refusal=Refusal.OTHER, code="too_many"))
    second_organization.add_member()

    second_organization.sync_seats()

    assert second_organization.seat_row.last_error == "Second Pay refused: too_many"


def test_row_of_a_provider_that_is_not_configured_is_unavailable(second_organization, settings):
    settings.BILLING_PROVIDERS = ("stripe",)

    with pytest.raises(providers.ProviderNotConfigured, match="second"):
        subscriptions.pull_subscription("second", second_organization.subscription.external_id)


def test_unknown_provider_is_refused_at_start(settings):
    settings.BILLING_PROVIDERS = ("stripe", "sripe")

    assert [message.id for message in run_checks() if message.id == "billing.E001"] == [
        "billing.E001"
    ]
