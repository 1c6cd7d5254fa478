"""Promotion codes at checkout, and the discounts they give."""

import httpx
import pytest


@pytest.fixture
def subscribe(shop):
    """Pay a checkout of five seats with a promotion code."""

    def pay(code, **options):
        session = shop.checkout(seats=5, allow_promotion_codes=True, **options)
        paid = shop.control.post(f"/checkout/{session.id}/pay", promotion_code=code)
        return shop.api.subscriptions.retrieve(paid["subscription"])

    return pay


def create_code(shop, **terms):
    return shop.control.post("/stripe/promotion_codes", code="WELCOME", **terms)


def list_totals(shop, subscription):
    return [invoice.total for invoice in shop.invoices(subscription)][::-1]


@pytest.mark.parametrize(
    ("terms", "totals"),
    [
        ({"duration": "once"}, [3600, 4500, 4500, 4500]),
        ({"duration": "forever"}, [3600, 3600, 3600, 3600]),
        ({"duration": "repeating", "duration_in_months": 2}, [3600, 3600, 4500, 4500]),
    ],
)
def test_discount_lasts_as_long_as_its_coupon(shop, subscribe, terms, totals):
    create_code(shop, percent_off=20, **terms)
    subscription = subscribe("welcome")

    shop.control.advance(days=95)

    assert list_totals(shop, subscription) == totals


def test_invoice_and_session_show_the_discount(shop, subscribe):
    code = create_code(shop, amount_off=500, currency="eur", duration="once")
    subscription = subscribe("WELCOME")

    (invoice,) = shop.invoices(subscription)
    (session,) = shop.api.checkout.sessions.list({"customer": subscription.customer}).data
    (taken_off,) = invoice.total_discount_amounts
    assert (invoice.subtotal, invoice.total, taken_off.amount) == (4500, 4000, 500)
    assert subscription.discounts == [taken_off.discount]
    assert (session.amount_total, session.total_details.amount_discount) == (4000, 500)
    assert session.discounts[0].promotion_code == code["id"]
    page = httpx.get(invoice.hosted_invoice_url, trust_env=False).text
    assert "<dt>Discount</dt><dd>-€5.00</dd>" in page


def test_proration_credits_what_was_debited_after_the_discount(shop, subscribe):
    create_code(shop, percent_off=20, duration="forever")
    subscription = subscribe("WELCOME")
    item = subscription.items.data[0]
    middle = (item.current_period_start + item.current_period_end) // 2

    shop.seats(subscription, 10, proration_behavior="always_invoice", proration_date=middle)

    lines = shop.invoices(subscription)[0].lines.data
    assert [line.amount for line in lines] == pytest.approx([-1800, 3600], abs=1)
    assert [line.discountable for line in lines] == [False, False]


def test_full_discount_needs_no_payment(shop, subscribe):
    create_code(shop, percent_off=100, duration="forever")
    customer = shop.customer()
    shop.payments_end(customer.id, "decline")

    subscription = subscribe("WELCOME", customer=customer.id)

    (invoice,) = shop.invoices(subscription)
    (session,) = shop.api.checkout.sessions.list({"customer": customer.id}).data
    assert (subscription.status, invoice.amount_paid) == ("active", 0)
    assert session.payment_status == "no_payment_required"


def test_unknown_code_is_refused_and_the_checkout_stays_open(shop):
    create_code(shop, amount_off=500, currency="usd")
    session = shop.checkout(allow_promotion_codes=True)
    other = shop.checkout()

    for page, code in ((session, "NONE"), (session, "WELCOME"), (other, "WELCOME")):
        fields = {"action": "pay", "country": "DE", "promotion_code": code}
        assert httpx.post(page.url, data=fields, trust_env=False).status_code == 400
    assert shop.api.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"percent_off": 10, "amount_off": 5, "currency": "eur"},
        {"percent_off": 101},
        {"amount_off": 5},
        {"percent_off": 10, "duration": "always"},
        {"percent_off": 10, "duration": "repeating"},
    ],
)
def test_impossible_coupon_is_refused(shop, terms):
    answer = shop.control.http.post(
        "/_sandbox/stripe/promotion_codes", json={"code": "WELCOME", **terms}
    )

    assert answer.status_code == 400
