"""Serve cards, which test tokens or the checkout page attach and of which some always decline."""

from sandbox.store import Document
from sandbox.stripe.payment_outcomes import ChargeResult
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import build_object_id
from sandbox.stripe.protocol.errors import StripeError, build_decline_error, build_missing_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters

# Stripe's own test tokens: brand, last four digits, and whether a charge succeeds.
TEST_TOKENS = {
    "pm_card_visa": ("visa", "4242", ChargeResult.SUCCEEDED),
    "pm_card_mastercard": ("mastercard", "4444", ChargeResult.SUCCEEDED),
    "pm_card_amex": ("amex", "8431", ChargeResult.SUCCEEDED),
    "pm_card_chargeCustomerFail": ("visa", "0341", ChargeResult.DECLINED),
    "pm_card_authenticationRequired": ("visa", "3184", ChargeResult.ACTION_REQUIRED),
}
DECLINED_ON_ATTACH = "pm_card_chargeDeclined"


def attach_payment_method(ledger: Ledger, customer: str, given: str) -> Document:
    """Attach a test token, as a new card, to a customer."""
    if given == DECLINED_ON_ATTACH:
        raise build_decline_error()
    if given not in TEST_TOKENS:
        raise build_missing_error("PaymentMethod", given, param="payment_method")
    method = build_card(ledger, customer, given)
    ledger.add_object(method, owners=(customer,), event="payment_method.attached")
    ledger.save_private_state(method["id"], charge=TEST_TOKENS[given][2])
    return method


def build_card(ledger: Ledger, customer: str, token: str) -> Document:
    """Return a card for a test token."""
    brand, last4, _ = TEST_TOKENS[token]
    owner = ledger.get_object("customer", customer, param="customer")
    details = {name: owner[name] for name in ("address", "email", "name", "phone")}
    return {
        "id": build_object_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "always",
        "billing_details": details | {"tax_id": None},
        "card": {
            "brand": brand,
            "checks": None,
            "country": "DE",
            "display_brand": brand,
            "exp_month": 12,
            "exp_year": 2040,
            "fingerprint": f"sandbox{last4}",
            "regulated_status": None,
            "funding": "credit",
            "generated_from": None,
            "last4": last4,
            "networks": None,
            "three_d_secure_usage": None,
            "wallet": None,
        },
        "created": ledger.now,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def get_owned_card(ledger: Ledger, id_: str, customer: str) -> Document:
    """Return a card of this customer."""
    method = ledger.get_object("payment_method", id_, param="payment_method")
    if method["customer"] != customer:
        raise StripeError(
            f"The customer does not have a payment method with the ID {id_}. The payment method "
            "must be attached to the customer.",
            code="resource_missing",
            param="payment_method",
        )
    return method


def retrieve_payment_method(call: Call) -> Document:
    """Return one card."""
    return call.ledger.get_object("payment_method", call.path["payment_method"])


def list_payment_methods(call: Call) -> Document:
    """List the cards of one customer."""
    customer = call.ledger.get_object("customer", call.path["customer"], param="customer")["id"]
    found = [m for m in call.ledger.list_objects("payment_method") if m["customer"] == customer]
    url = f"/v1/customers/{customer}/payment_methods"
    return build_list_page(
        [m for m in found if is_matching_filters(m, call.params, "type")], call.params, url=url
    )


def detach_payment_method(call: Call) -> Document:
    """Detach a card from its customer permanently."""
    method = retrieve_payment_method(call)
    if method["customer"] is None:
        raise StripeError("The payment method is not attached to a customer.")
    customer = call.ledger.get_object("customer", method["customer"])
    settings = customer.get("invoice_settings", {})
    if settings.get("default_payment_method") == method["id"]:
        customer["invoice_settings"] = settings | {"default_payment_method": None}
        call.ledger.save_object(customer, event="customer.updated")
    method["customer"] = None
    call.ledger.save_object(method)
    call.ledger.record_event("payment_method.detached", method)
    return method
