"""Press buttons of a billing page at the wrong time, and read what it says of an odd subscription."""

from datetime import timedelta

from billing.models import Checkout, Invoice, SeatState
from billing.seat_rules import Mode
from billing.seat_sync import reconcile
from billing.seats import report
from billing.subscriptions import subscriptions
from events.models import Event
from kit.ids import uuid7
from tenancy import routing
from tests.billing.billing_page import edit_quantity
from tests.billing.support import build_stripe_client, hide_at_stripe, list_event_types


def press_stale(page, remedy):
    """Press a button that the page showed when it was opened, and return the page that follows."""
    page.answer = page.browser.post(page.repair_address, {"remedy": remedy}, follow=True)
    return page


def test_seats_are_not_agreed_after_the_contract_was_ended(create_organization, page):
    acme = create_organization(seats=3).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=2)
    opened = page(acme).open()
    assert opened.codes == ["contract_not_billed", "contract_exceeded", "contract"]
    report.set_seat_mode(organization=acme.row, mode=Mode.AUTOMATIC, contract_seats=None)

    for remedy in ("agree_counted", "agree_billed", "send_contract"):
        assert "Not done: There is no contract" in press_stale(opened, remedy).text

    assert SeatState.objects.get(organization=acme.row).mode == Mode.AUTOMATIC


def test_agreed_seats_are_kept_where_no_billed_quantity_is_known(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    opened = page(acme).open()
    type(acme.subscription).objects.filter(pk=acme.subscription.pk).update(quantity=None)
    hide_at_stripe(acme, acme.subscription.external_id)

    press_stale(opened, "agree_billed")

    assert SeatState.objects.get(organization=acme.row).contract_seats == 5


def test_minimum_that_was_dropped_is_not_dropped_again(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    edit_quantity(acme, 4)
    page(acme).press("adopt_minimum")
    opened = page(acme).press("drop_minimum")
    changes = acme.row.seat_changes.count()

    assert "Not done: No minimum was purchased" in press_stale(opened, "drop_minimum").text

    assert acme.row.seat_changes.count() == changes
    with routing.activate(acme.row):
        assert Event.objects.filter(type="seats.minimum_changed").count() == 2


def test_subscription_that_the_provider_knows_again_is_not_ended(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    hide_at_stripe(acme, acme.subscription.external_id)
    subscriptions.pull_subscription("stripe", acme.subscription.external_id)
    acme.sandbox.delete("/faults")
    before = list_event_types(acme, "subscription.")

    answer = press_stale(page(acme).open(), "end_missing").text

    assert "Not done: The payment provider still has this subscription" in answer
    assert acme.subscription.status == "active"
    assert list_event_types(acme, "subscription.") == before


def test_invoice_that_the_provider_does_not_void_is_not_reported_as_done(create_organization, page):
    acme, invoice = end_with_open_invoice(create_organization, page)
    opened = page(acme).open()
    error = {"type": "invalid_request_error", "code": "invoice_not_editable", "message": "No."}
    acme.sandbox.post(
        "/faults", vendor="stripe", path=f"/v1/invoices/{invoice.external_id}/void",
        method="POST", status=400, times=1, body={"error": error},
    )  # fmt: skip

    answer = press_stale(opened, "void_invoices")

    assert "The provider refused: invoice_not_editable" in answer.text
    assert "Done:" not in answer.text
    assert answer.codes == ["ended_unpaid", "ended"]


def test_invoice_the_provider_does_not_know_does_not_keep_the_others_open(
    create_organization, page
):
    acme, invoice = end_with_open_invoice(create_organization, page)
    unknown = Invoice.objects.get(pk=invoice.pk)
    unknown.pk, unknown._state.adding = uuid7(), True
    unknown.external_id, unknown.issued_at = "in_unknown", invoice.issued_at - timedelta(days=1)
    unknown.save()

    answer = press_stale(page(acme).open(), "void_invoices")

    assert "Done: " in answer.text
    for row in (invoice, unknown):
        row.refresh_from_db()
        assert row.status == "void"


def end_with_open_invoice(create_organization, page):
    """Create an organization whose subscription was cancelled with an open invoice."""
    acme = create_organization(addition_policy="invoice_now").subscribe()
    acme.sandbox.post(f"/stripe/customers/{acme.customer_id}/payment", outcome="decline", times=1)
    acme.add_member()
    acme.sync_seats()
    acme.sandbox.post(f"/stripe/subscriptions/{acme.subscription.external_id}", status="canceled")
    page(acme).open().press("refresh")
    return acme, Invoice.objects.get(organization=acme.row, status="open")


def test_payment_page_the_provider_does_not_know_stops_no_repair(create_organization, page):
    acme = create_organization(seats=2)
    opened_page = acme.open_checkout()
    hide_at_stripe(acme, opened_page.external_id)

    answer = page(acme).open()
    assert "Done: Fetch" in press_stale(answer, "refresh").text

    assert Checkout.objects.get(pk=opened_page.pk).state == Checkout.State.CLOSED
    assert reconcile.reconcile_organization(organization_id=acme.row.pk).state == "none"


def test_ordered_contract_says_why_it_is_not_billed(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    report.set_seat_mode(organization=acme.row, mode=Mode.MANUAL, contract_seats=5)
    error = {"type": "invalid_request_error", "code": "price_inactive", "message": "Archived."}
    acme.add_fault(method="POST", status=400, times=1, body={"error": error})

    opened = page(acme).press("send_contract")

    assert opened.codes == ["contract_not_billed", "seats_failed", "contract"]
    assert "Stripe refused: price_inactive" in opened.text


def test_paused_collection_is_explained(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    build_stripe_client().v1.subscriptions.update(
        acme.subscription.external_id, {"pause_collection": {"behavior": "void"}}
    )
    subscriptions.pull_subscription("stripe", acme.subscription.external_id)

    assert page(acme).open().codes == ["collection_paused"]


def test_unpaid_and_paused_subscriptions_are_not_nothing_to_do(create_organization, page):
    acme = create_organization(seats=2).subscribe()
    for status in ("unpaid", "paused"):
        acme.edit_at_stripe(status=status)
        opened = page(acme).open()
        assert opened.codes == ["access_limited"]
        assert "Nothing to do" not in opened.text
