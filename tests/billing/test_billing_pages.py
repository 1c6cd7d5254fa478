"""Open the admin page of an organization's billing, and press the buttons that repair it."""

import secrets

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from billing.models import Invoice, SeatState
from billing.seat_rules import Mode
from billing.seats import report
from identity.models import User
from tests.admin.browsers import open_staff_browser
from tests.billing.billing_page import BillingPage, edit_quantity
from tests.billing.support import (
    LANDING,
    build_stripe_client,
    create_stripe_price,
    get_stripe_price_id,
    list_event_types,
)

pytestmark = pytest.mark.check_all


def decline_next_payment(acme):
    path = f"/stripe/customers/{acme.customer_id}/payment"
    acme.sandbox.post(path, outcome="decline", times=1)


# ── Drift ─────────────────────────────────────────────────────────────────────────────────────


def test_page_of_an_organization_in_sync_has_nothing_to_do(create_organization, page):
    opened = page(create_organization(seats=2).subscribe()).open()

    assert opened.codes == []
    assert "Nothing to do" in opened.text
    assert opened.numbers == (2, 2, 2, 2)


def test_edit_whose_event_was_lost_is_shown_and_corrected(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 9)
    assert acme.seat_state == "in_sync"  # as far as our copy tells

    opened = page(acme).open()
    assert opened.codes == ["drifted"]
    assert opened.numbers == (2, 2, 2, 9)
    assert "Stripe bills 9, and 2 are to be billed for 2 counted seats" in opened.text

    repaired = opened.press("correct_quantity")
    assert (repaired.codes, repaired.numbers) == ([], (2, 2, 2, 2))
    assert acme.billed_quantity == 2


def test_edit_that_the_plan_only_reports_is_corrected_by_staff(create_organization, page):
    acme = create_organization(seats=2, drift_policy="report").subscribe()
    acme.edit_at_stripe(quantity=9)
    opened = page(acme).open()
    assert (opened.codes, opened.numbers) == (["drifted"], (2, 2, 9, 9))

    assert opened.press("correct_quantity").codes == []

    assert (acme.billed_quantity, acme.seat_state) == (2, "in_sync")


def test_page_shows_the_stored_numbers_while_stripe_is_down(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 9)
    acme.sandbox.post(
        "/faults", vendor="stripe", path=f"/v1/customers/{acme.customer_id}$", status=503, times=2
    )

    opened = page(acme).open()
    assert opened.codes == ["provider_unavailable"]
    assert opened.numbers == (2, 2, 2, None)
    assert "Stripe does not answer" in opened.text

    assert page(acme).open().codes == ["provider_unavailable"]
    assert page(acme).open().codes == ["drifted"]


def test_button_says_when_the_provider_is_down(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 9)
    opened = page(acme).open()
    acme.sandbox.post(
        "/faults", vendor="stripe", path=f"/v1/customers/{acme.customer_id}$", status=503, times=1
    )

    answer = opened.browser.post(opened.repair_address, {"remedy": "refresh"}, follow=True)

    assert "Not done: Stripe does not answer" in answer.content.decode()
    assert acme.subscription.quantity == 2


def test_page_asks_stripe_three_times(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    before = count_requests(acme)

    page(acme).open()

    assert count_requests(acme) - before == 3


def count_requests(acme):
    """Count the requests at Stripe that name the organization's customer or subscription."""
    ids = (acme.customer_id, acme.subscription.external_id)
    made = [f"{one['path']} {one['query']}" for one in acme.sandbox.requests("stripe")]
    return sum(any(id_ in address for id_ in ids) for address in made)


# ── The five organizations of an operator ─────────────────────────────────────────────────────


def test_customer_deleted_at_stripe_is_stored_and_can_buy_again(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    deleted = acme.customer_id
    acme.sandbox.delete(f"/stripe/customers/{deleted}")

    opened = page(acme).open()
    assert opened.codes == ["customer_deleted", "status_differs"]
    assert f"Stripe has deleted {deleted}" in opened.text

    assert opened.press("refresh").codes == ["ended"]
    acme.subscribe()
    assert page(acme).open().codes == []
    acme.row.customer.refresh_from_db()
    assert acme.customer_id not in ("", deleted)


def test_customer_stripe_does_not_know_is_explained_with_its_subscription(
    create_organization, page
):
    acme = create_organization(seats=2).subscribe()
    acme.sandbox.delete(f"/stripe/objects/{acme.customer_id}")

    opened = page(acme).open()
    assert opened.codes == ["customer_unknown", "subscription_missing"]
    assert 'value="end_missing"' not in opened.text

    opened.press("refresh")
    assert opened.press("end_missing").codes == ["ended"]
    acme.row.customer.refresh_from_db()
    assert acme.customer_id == ""
    assert acme.subscribe().seat_state == "in_sync"


def test_foreign_subscription_is_explained_and_becomes_ours_by_our_price(create_organization, page):
    acme = create_organization(seats=2)
    acme.open_checkout()
    key = f"foreign-{secrets.token_hex(4)}"
    foreign = buy_price(acme, create_stripe_price(key, lookup_key=key, amount=9_900))
    opened = page(acme).open()
    assert opened.codes == ["foreign_subscription"]
    assert foreign in opened.text
    assert opened.press("refresh").codes == ["foreign_subscription"]  # nothing of it was touched

    acme.sandbox.post(f"/stripe/subscriptions/{foreign}", price=get_stripe_price_id(acme.price))
    assert page(acme).open().codes == ["subscription_not_stored"]

    assert opened.press("refresh").codes == []
    assert (acme.subscription.external_id, acme.subscription.quantity) == (foreign, 2)


def buy_price(acme, price_id):
    """Buy a price at Stripe for the organization's customer, and return the subscription's id."""
    session = build_stripe_client().v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": acme.customer_id,
            "line_items": [{"price": price_id, "quantity": 1}],
            "success_url": LANDING,
        }
    )
    acme.sandbox.post(f"/checkout/{session.id}/pay")
    return build_stripe_client().v1.checkout.sessions.retrieve(session.id).subscription


def test_unpaid_and_cancelled_subscription_is_explained_and_its_invoice_voided(
    create_organization, page
):
    acme = create_organization(addition_policy="invoice_now").subscribe()
    decline_next_payment(acme)
    acme.add_member()
    acme.sync_seats()
    opened = page(acme).open()
    assert opened.codes == ["past_due"]
    opened.press("refresh")
    (invoice,) = Invoice.objects.filter(organization=acme.row, status="open")
    assert f"Invoice {invoice.number} asks for" in opened.open().text

    acme.sandbox.post(f"/stripe/subscriptions/{acme.subscription.external_id}", status="canceled")
    assert page(acme).open().codes == ["status_differs", "past_due"]
    assert opened.press("refresh").codes == ["ended_unpaid", "ended"]

    assert opened.press("void_invoices").codes == ["ended"]
    invoice.refresh_from_db()
    assert invoice.status == "void"
    assert build_stripe_client().v1.invoices.retrieve(invoice.external_id).status == "void"
    assert list_event_types(acme, "invoice.")[-1] == "invoice.voided"
    assert acme.subscribe().seat_state == "in_sync"


def test_invoice_paid_before_it_is_voided_is_stored_as_paid(create_organization, page):
    acme = create_organization(addition_policy="invoice_now").subscribe()
    decline_next_payment(acme)
    acme.add_member()
    acme.sync_seats()
    acme.sandbox.post(f"/stripe/subscriptions/{acme.subscription.external_id}", status="canceled")
    opened = page(acme).open().press("refresh")
    (invoice,) = Invoice.objects.filter(organization=acme.row, status="open")
    build_stripe_client().v1.invoices.pay(invoice.external_id, {"paid_out_of_band": True})

    assert opened.press("void_invoices").codes == ["ended"]

    invoice.refresh_from_db()
    assert invoice.status == "paid"


def test_contract_is_explained_billed_raised_and_ended(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    opened = page(acme).open()
    assert opened.codes == ["contract_not_billed", "contract"]
    assert "5 seats are agreed, 2 are billed, 2 are counted" in opened.text

    assert opened.press("send_contract").codes == ["contract"]
    assert (acme.billed_quantity, acme.seat_state) == (5, "manual")
    assert acme.list_seat_requests()[-1]["body"]["proration_behavior"] == "create_prorations"

    for _ in range(4):
        acme.add_member()
    acme.sync_seats(is_forced=True)
    assert acme.billed_quantity == 5
    assert opened.open().codes == ["contract_exceeded", "contract"]
    assert opened.press("agree_counted").codes == ["contract_not_billed", "contract"]
    assert opened.press("send_contract").codes == ["contract"]
    assert acme.billed_quantity == 6

    acme.remove_member(acme.members.pop())
    assert opened.press("end_contract").codes == []
    assert (acme.billed_quantity, acme.seat_state) == (5, "in_sync")


def test_billed_quantity_is_agreed_as_stripe_has_it_now(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    edit_quantity(acme, 4)

    assert page(acme).press("agree_billed").codes == ["contract"]

    assert SeatState.objects.get(organization=acme.row).contract_seats == 4
    assert acme.list_sent_quantities()[-1] == 4  # the edit; nothing was sent by us


def test_contract_is_not_sent_while_the_subscription_is_past_due(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    acme.edit_at_stripe(status="past_due")

    opened = page(acme).press("send_contract")

    assert acme.seat_state == "held"
    assert acme.list_seat_requests() == []
    acme.edit_at_stripe(status="active")
    acme.sync_seats()
    assert (acme.billed_quantity, acme.seat_state) == (5, "manual")
    assert opened.open().codes == ["contract"]


# ── Who may ───────────────────────────────────────────────────────────────────────────────────


def test_staff_without_the_permission_to_repair_only_reads(create_organization):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 9)
    user = User.objects.create(email=f"{secrets.token_hex(4)}@staff.example", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_organizationbilling"))
    browser = open_staff_browser(user)

    opened = BillingPage(browser, acme).open()

    assert opened.codes == ["drifted"]
    assert 'name="remedy"' not in opened.text
    refused = browser.post(opened.repair_address, {"remedy": "correct_quantity"})
    assert refused.status_code == 403
    assert acme.billed_quantity == 9


def test_button_needs_a_session_a_post_and_a_known_action(create_organization, staff_client):
    acme = create_organization()
    address = BillingPage(staff_client, acme).repair_address

    assert Client().post(address, {"remedy": "refresh"}).status_code == 302
    assert staff_client.get(address).status_code == 405
    assert staff_client.post(address, {"remedy": "unknown"}).status_code == 404
