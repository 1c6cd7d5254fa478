"""Complete a paid checkout by creating its customer, card, subscription and events."""

from dataclasses import dataclass

from sandbox.store import Document
from sandbox.stripe import (
    checkout,
    coupons,
    customers,
    lifecycle,
    payment_methods,
    price_rules,
    prices,
    tax_ids,
)
from sandbox.stripe.protocol.errors import StripeError, build_decline_error
from sandbox.stripe.protocol.ledger import Ledger

TEST_CARD = "pm_card_visa"


@dataclass(frozen=True)
class BuyerDetails:
    """Hold what a person typed on the checkout page, or nothing when a test pays by control."""

    name: str = ""
    email: str = ""
    address: Document | None = None
    tax_id: tuple[str, str] | None = None
    promotion_code: str = ""


def complete_checkout_session(ledger: Ledger, session: Document, details: BuyerDetails) -> Document:
    """Complete an open session and start its subscription.

    A session whose price was archived meanwhile shows no page that can be paid:
    https://github.com/IgorGanapolsky/ThumbGate/issues/2188. That this is so for a product is a belief.

    Raises:
        StripeError: The session is not open, its price is not sold or the card is declined, and then
            nothing changed.
    """
    checkout.require_open(session)
    state = ledger.get_private_state(session["id"])
    customer = save_session_customer(ledger, session, details, state["customer_update"])
    options = build_subscription_options(ledger, session, customer, state["subscription_data"])
    sold = [
        (prices.get_price_terms(ledger, entry["price"]["id"], param="price"), entry)
        for entry in state["lines"]
    ]
    for price, _ in sold:
        price_rules.require_sellable(ledger, price, param="price")
    if details.promotion_code:
        options["promotion_code"] = find_session_code(ledger, session, details.promotion_code)
    ledger.record_event("checkout.session.completed", session)
    subscription = lifecycle.start_subscription(ledger, customer, sold, options)
    if subscription["status"] == "incomplete":
        raise build_decline_error()
    done = build_completed_session(ledger, session, customer, subscription)
    ledger.save_object(done)
    ledger.replace_event_object("checkout.session.completed", done)
    return done


def find_session_code(ledger: Ledger, session: Document, text: str) -> Document:
    """Return the promotion code of a buyer, where the session allows one."""
    if not session["allow_promotion_codes"]:
        raise StripeError("This checkout takes no promotion codes.", param="promotion_code")
    return coupons.find_promotion_code(ledger, text, currency=session["currency"])


def save_session_customer(
    ledger: Ledger, session: Document, details: BuyerDetails, allowed: dict[str, str]
) -> Document:
    """Return the session's customer, updated with what was typed.

    Saved fields of an existing customer change only where the session permits it.
    """
    params: Document = {}
    if details.name and allowed.get("name", "auto") == "auto":
        params["name"] = details.name
    if details.address and allowed.get("address", "auto") == "auto":
        params["address"] = details.address
    if session["customer"] is None:
        email = details.email or session["customer_email"] or "buyer@example.test"
        customer = customers.insert_customer(ledger, {"email": email, **params})
    else:
        customer = ledger.get_object("customer", session["customer"], param="customer")
        if not allowed:
            params = {}
        customer = customers.apply_customer_fields(ledger, customer, params)
        ledger.save_object(customer, event="customer.updated")
    if details.tax_id and session["tax_id_collection"]["enabled"]:
        type_, value = details.tax_id
        tax_ids.attach_tax_id(ledger, customer["id"], type_=type_, value=value)
    return customer


def build_subscription_options(
    ledger: Ledger, session: Document, customer: Document, data: Document
) -> Document:
    """Return how the subscription starts, with a card attached unless a trial needs none."""
    trial = "trial_end" in data or "trial_period_days" in data
    options = data | {"automatic_tax": {"enabled": session["automatic_tax"]["enabled"]}}
    if trial and session["payment_method_collection"] == "if_required":
        return options
    method = payment_methods.attach_payment_method(ledger, customer["id"], TEST_CARD)
    return options | {"default_payment_method": method["id"]}


def build_completed_session(
    ledger: Ledger, session: Document, customer: Document, subscription: Document
) -> Document:
    """Return the session as it is after completion."""
    ids = list(ledger.list_owned_objects("tax_id", customer["id"]))
    country = (customer["address"] or {}).get("country")
    tax = session["automatic_tax"]
    invoice = ledger.get_object("invoice", subscription["latest_invoice"])
    paid = invoice["total"] > 0
    return session | {
        "amount_total": invoice["total"],
        "discounts": list_session_discounts(ledger, subscription),
        "total_details": session["total_details"]
        | {
            "amount_discount": sum(entry["amount"] for entry in invoice["total_discount_amounts"]),
            "amount_tax": sum(tax["amount"] for tax in invoice["total_taxes"]),
        },
        "automatic_tax": tax | ({"status": "complete"} if tax["enabled"] and country else {}),
        "customer": customer["id"],
        "customer_details": {
            "address": customer["address"],
            "business_name": None,
            "email": customer["email"],
            "individual_name": None,
            "name": customer["name"],
            "phone": customer["phone"],
            "tax_exempt": customer["tax_exempt"],
            "tax_ids": [{"type": entry["type"], "value": entry["value"]} for entry in ids],
        },
        "invoice": subscription["latest_invoice"],
        "payment_status": "paid" if paid else "no_payment_required",
        "status": "complete",
        "subscription": subscription["id"],
        "url": None,
    }


def list_session_discounts(ledger: Ledger, subscription: Document) -> list[Document]:
    """Return the discounts of a subscription as its session shows them."""
    found = [ledger.get_object("discount", id_) for id_ in subscription["discounts"]]
    return [
        {"coupon": discount["source"]["coupon"], "promotion_code": discount["promotion_code"]}
        for discount in found
    ]


def build_success_url(session: Document) -> str:
    """Return the address the browser is sent to after payment."""
    return str(session["success_url"]).replace(checkout.SESSION_PLACEHOLDER, session["id"])
