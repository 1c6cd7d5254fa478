"""Refuse prices that Stripe would not put on a subscription."""

from sandbox.store import Document
from sandbox.stripe import endings
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger


def require_sellable(ledger: Ledger, price: Document, *, param: str) -> None:
    """Refuse an archived price, and a price of an archived product.

    Subscriptions that have the price keep it, new ones are refused:
    https://docs.stripe.com/products-prices/manage-prices. That a subscription which has it may still
    change its quantity is a belief. Prices of an archived product stay active:
    https://github.com/stripe/stripe-node/issues/2131.
    """
    if not price["active"]:
        raise StripeError(
            "The price specified is inactive. This field only accepts active prices.", param=param
        )
    product = ledger.find_object("product", price["product"])
    if product is None or not product["active"]:
        raise StripeError(
            f"Price `{price['id']}` is not available to be purchased because its product is not "
            "active.",
            param=param,
        )


def require_currency(price: Document, currency: str, *, param: str) -> None:
    """Refuse a price of another currency than the subscription's."""
    if price["currency"] != currency:
        raise StripeError(
            f"The price specified only supports `{price['currency']}`. This doesn't match the "
            f"expected currency: `{currency}`.",
            param=param,
        )


def require_one_interval(prices: list[Document]) -> None:
    """Refuse prices of several intervals, which Stripe bills and the sandbox does not.

    https://docs.stripe.com/billing/subscriptions/mixed-interval
    """
    intervals = {
        (price["recurring"]["interval"], price["recurring"]["interval_count"]) for price in prices
    }
    if len(intervals) > 1:
        raise StripeError(
            "The sandbox keeps one billing interval per subscription; Stripe would mix them.",
            code="sandbox_unsupported",
            param="items",
        )


def require_customer_currency(ledger: Ledger, customer_id: str, currency: str) -> None:
    """Refuse a second currency while the customer has something in the first.

    A customer cannot have active subscriptions in two currencies:
    https://docs.stripe.com/invoicing/multi-currency-customers.
    """
    for other in find_customer_currencies(ledger, customer_id) - {currency}:
        raise StripeError(
            "You cannot combine currencies on a single customer. This customer has an active "
            "subscription, subscription schedule, discount, quote, invoice item or active "
            f"subscription mode checkout session with currency {other}."
        )


def find_customer_currencies(ledger: Ledger, customer_id: str) -> set[str]:
    """Return the currencies of a customer's subscriptions, pending items and open checkouts."""
    subscriptions = ledger.list_owned_objects("subscription", customer_id)
    items = ledger.list_owned_objects("invoiceitem", customer_id)
    sessions = ledger.list_owned_objects("checkout.session", customer_id)
    return {
        *(s["currency"] for s in subscriptions if s["status"] not in endings.ENDED_STATUSES),
        *(item["currency"] for item in items if item["invoice"] is None),
        *(session["currency"] for session in sessions if session["status"] == "open"),
    }
