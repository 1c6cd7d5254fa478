"""Explain on an organization's billing page why its seats are not in sync."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import SeatState
from billing.seat_sync import reconcile
from tests.billing.support import build_stripe_client, create_plan_price, get_stripe_price_id

pytestmark = pytest.mark.check_all


def test_refused_quantity_is_explained_and_sent_again(create_organization, page):
    acme = create_organization().subscribe()
    error = {"type": "invalid_request_error", "code": "price_inactive", "message": "Archived."}
    acme.add_fault(method="POST", status=400, times=1, body={"error": error})
    acme.add_member()
    acme.sync_seats()

    opened = page(acme).open()
    assert opened.codes == ["seats_failed"]
    assert "Stripe refused: price_inactive" in opened.text

    assert opened.press("refresh").codes == []
    assert acme.billed_quantity == 2


def test_held_quantity_says_what_it_waits_for(create_organization, page):
    acme = create_organization().subscribe()
    acme.edit_at_stripe(status="past_due")
    acme.add_member()

    opened = page(acme).open()
    assert opened.codes == ["past_due", "seats_held"]
    assert "It is sent when the customer has paid" in opened.text

    SeatState.objects.filter(organization=acme.row).update(
        held_until=timezone.now() + timedelta(minutes=5)
    )
    assert "The provider takes the change later" in page(acme).open().text


def test_misconfigured_item_is_explained_and_fetched_after_it_was_mended(create_organization, page):
    acme = create_organization().subscribe()
    second = create_plan_price()
    item = build_stripe_client().v1.subscription_items.create(
        {"subscription": acme.subscription.external_id, "price": get_stripe_price_id(second)}
    )
    reconcile.reconcile_organization(organization_id=acme.row.pk)
    opened = page(acme).open()
    assert opened.codes == ["misconfigured"]

    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"items": [{"id": item.id, "deleted": True}]}
    )

    assert opened.press("refresh").codes == []
    assert acme.seat_state == "in_sync"


def test_organization_that_never_bought_asks_no_provider(create_organization, page):
    opened = page(create_organization(seats=2)).open()

    assert (opened.codes, opened.numbers) == ([], (2, 2, None, None))
    assert "The organization has no subscription" in opened.text
    stored = opened.text.partition("Stored here</dt>")[2].partition("</dd>")[0]
    assert stored.endswith(">–")
