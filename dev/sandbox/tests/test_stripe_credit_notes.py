"""Credit notes, which give back what was paid for an invoice or reduce an open one."""

import httpx
import pytest
import stripe


@pytest.fixture
def paid(shop):
    """A paid invoice over five seats of €9.00."""
    (invoice,) = shop.invoices(shop.subscribed())
    return invoice


@pytest.fixture
def unpaid(shop):
    """An open invoice over one more seat, whose charge was declined."""
    subscription = shop.subscribed()
    path = f"/stripe/customers/{subscription.customer}/payment"
    shop.control.post(path, outcome="decline", times=1)
    shop.seats(subscription, 6, proration_behavior="always_invoice")
    invoice = shop.invoices(subscription)[0]
    assert invoice.status == "open"
    return invoice


def issue(shop, invoice, **amounts):
    return shop.api.credit_notes.create({"invoice": invoice.id, **amounts})


def test_refund_of_a_paid_invoice_leaves_it_paid_and_is_noted(shop, paid):
    note = issue(shop, paid, amount=1000, refund_amount=1000, reason="order_change")

    after = shop.api.invoices.retrieve(paid.id)
    assert (after.status, after.total, after.amount_paid) == ("paid", 4500, 4500)
    assert after.post_payment_credit_notes_amount == 1000
    assert (note.type, note.status, note.post_payment_amount) == ("post_payment", "issued", 1000)
    assert [entry.amount_refunded for entry in note.refunds] == [1000]
    assert note.number == f"{paid.number}-CN-01"
    page = httpx.get(paid.hosted_invoice_url, trust_env=False).text
    assert "<dt>Given back</dt><dd>-€10.00</dd>" in page


def test_refund_sends_the_events_of_the_note_and_of_the_invoice(shop, paid):
    issue(shop, paid, amount=1000, refund_amount=1000)

    events = shop.api.events.list({"limit": 2}).data
    assert [event.type for event in events] == ["credit_note.created", "invoice.updated"]
    before = events[1].data.previous_attributes
    assert before["post_payment_credit_notes_amount"] == 0


def test_credit_goes_to_the_balance_of_the_customer(shop, paid):
    issue(shop, paid, amount=700, credit_amount=500, out_of_band_amount=200)

    assert shop.api.customers.retrieve(paid.customer).balance == -500


def test_open_invoice_is_reduced_and_paid_once_nothing_is_left(shop, unpaid):
    due = unpaid.amount_due
    note = issue(shop, unpaid, amount=100)
    reduced = shop.api.invoices.retrieve(unpaid.id)
    assert (note.type, note.pre_payment_amount, note.refunds) == ("pre_payment", 100, [])
    assert (reduced.status, reduced.amount_remaining) == ("open", due - 100)

    issue(shop, unpaid, amount=due - 100)

    closed = shop.api.invoices.retrieve(unpaid.id)
    assert (closed.status, closed.amount_due, closed.total) == ("paid", 0, due)
    assert closed.pre_payment_credit_notes_amount == due


@pytest.mark.parametrize(
    "amounts",
    [
        {},
        {"amount": 0, "refund_amount": 0},
        {"amount": 4501, "refund_amount": 4501},
        {"amount": 1000},
        {"amount": 1000, "refund_amount": 900},
        {"amount": 1000, "refund_amount": 1000, "lines": [{"type": "invoice_line_item"}]},
    ],
)
def test_amounts_that_do_not_fit_are_refused(shop, paid, amounts):
    with pytest.raises(stripe.InvalidRequestError):
        issue(shop, paid, **amounts)

    assert shop.api.credit_notes.list({"invoice": paid.id}).data == []
    assert shop.api.invoices.retrieve(paid.id).post_payment_credit_notes_amount == 0


def test_more_than_was_paid_is_never_given_back(shop, paid):
    issue(shop, paid, amount=4000, refund_amount=4000)

    with pytest.raises(stripe.InvalidRequestError, match="at most 500"):
        issue(shop, paid, amount=501, refund_amount=501)
    second = issue(shop, paid, amount=500, refund_amount=500)
    assert second.number.endswith("-CN-02")


def test_void_invoice_has_no_credit_note(shop, unpaid):
    shop.api.invoices.void_invoice(unpaid.id)

    with pytest.raises(stripe.InvalidRequestError, match="open or paid"):
        issue(shop, unpaid, amount=100)


def test_notes_are_retrieved_and_listed(shop, paid):
    note = issue(shop, paid, amount=100, refund_amount=100)

    assert shop.api.credit_notes.retrieve(note.id) == note
    assert [one.id for one in shop.api.credit_notes.list({"customer": paid.customer}).data] == [
        note.id
    ]
