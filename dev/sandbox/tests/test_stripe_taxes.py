"""Tax rates on subscriptions, and the taxes of their invoices."""

import httpx
import pytest
import stripe


@pytest.fixture
def tax(shop):
    """Return a function that creates a tax rate: `tax(19)`."""

    def create(percentage, *, inclusive=False, **options):
        rate = {"display_name": "VAT", "percentage": percentage, "inclusive": inclusive}
        return shop.api.tax_rates.create(rate | options)

    return create


def start(shop, *rates, seats=5, **options):
    """Start a subscription to five seats of €9.00 that is taxed, and return its first invoice."""
    subscription = shop.api.subscriptions.create(
        {
            "customer": shop.with_card().id,
            "items": [{"price": shop.monthly.id, "quantity": seats}],
            "default_tax_rates": [rate.id for rate in rates],
            **options,
        }
    )
    (invoice,) = shop.invoices(subscription)
    return subscription, invoice


def read_sums(invoice):
    return invoice.subtotal, invoice.total_excluding_tax, invoice.total, invoice.amount_due


def test_exclusive_tax_is_added_to_the_total(shop, tax):
    rate = tax(19, country="DE", tax_type="vat")
    subscription, invoice = start(shop, rate)

    assert read_sums(invoice) == (4500, 4500, 5355, 5355)
    (total,) = invoice.total_taxes
    assert (total.amount, total.taxable_amount, total.tax_behavior) == (855, 4500, "exclusive")
    assert total.tax_rate_details.tax_rate == rate.id
    (line,) = invoice.lines.data
    assert (line.amount, [entry.amount for entry in line.taxes]) == (4500, [855])
    assert [one.id for one in subscription.default_tax_rates] == [rate.id]
    assert (
        "<dt>Tax</dt><dd>€8.55</dd>" in httpx.get(invoice.hosted_invoice_url, trust_env=False).text
    )


def test_inclusive_tax_is_part_of_the_total(shop, tax):
    _, invoice = start(shop, tax(20, inclusive=True))

    assert read_sums(invoice) == (4500, 3750, 4500, 4500)
    assert (invoice.subtotal_excluding_tax, invoice.total_taxes[0].amount) == (3750, 750)


def test_two_rates_are_both_charged_on_the_net_amount(shop, tax):
    _, invoice = start(shop, tax(5), tax(9.975))

    assert [entry.amount for entry in invoice.total_taxes] == [225, 449]
    assert invoice.total == 4500 + 225 + 449


@pytest.mark.parametrize(
    ("status", "reason"), [("exempt", "customer_exempt"), ("reverse", "reverse_charge")]
)
def test_exempt_customer_is_charged_no_tax(shop, tax, status, reason):
    subscription, _ = start(shop, tax(19))
    shop.api.customers.update(subscription.customer, {"tax_exempt": status})

    shop.control.advance(days=32)

    renewal = shop.invoices(subscription)[0]
    assert read_sums(renewal) == (4500, 4500, 4500, 4500)
    assert (renewal.total_taxes[0].amount, renewal.total_taxes[0].taxability_reason) == (0, reason)


def test_renewal_proration_and_preview_are_taxed(shop, tax):
    subscription, _ = start(shop, tax(10))
    item = subscription.items.data[0].id
    preview = shop.api.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {
                "items": [{"id": item, "quantity": 6}],
                "proration_behavior": "always_invoice",
            },
        }
    )
    assert (preview.total_excluding_tax, preview.amount_due) == (900, 990)

    shop.seats(subscription, 4, proration_behavior="create_prorations")
    shop.control.advance(days=32)

    renewal = shop.invoices(subscription)[0]
    net = sum(line.amount for line in renewal.lines.data)
    assert renewal.total == net + sum(
        entry.amount for line in renewal.lines.data for entry in line.taxes
    )
    assert any(entry.amount < 0 for line in renewal.lines.data for entry in line.taxes)


def test_rates_can_be_removed_from_a_subscription(shop, tax):
    subscription, _ = start(shop, tax(19))

    shop.api.subscriptions.update(subscription.id, {"default_tax_rates": ""})
    shop.control.advance(days=32)

    assert shop.invoices(subscription)[0].total == 4500


@pytest.mark.parametrize("options", [{"percentage": 101}, {"percentage": -1}])
def test_percentage_out_of_range_is_refused(shop, tax, options):
    with pytest.raises(stripe.InvalidRequestError, match="between 0 and 100"):
        tax(**options)


def test_unknown_and_archived_rates_are_refused(shop, tax):
    archived = tax(19, active=False)

    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        start(shop, archived)
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        start(shop, type("Unknown", (), {"id": "txr_unknown"}))


def test_rates_are_retrieved_and_listed(shop, tax):
    rate, archived = tax(19), tax(7, active=False)

    assert shop.api.tax_rates.retrieve(rate.id) == rate
    assert [one.id for one in shop.api.tax_rates.list({"active": False}).data] == [archived.id]


def test_rates_of_a_checkout_are_refused(shop, tax):
    with pytest.raises(stripe.InvalidRequestError, match="default_tax_rates"):
        shop.checkout(subscription_data={"default_tax_rates": [tax(19).id]})
