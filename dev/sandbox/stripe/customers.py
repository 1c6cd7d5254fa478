"""Serve customers, which are the buyers Stripe bills."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import endings, payment_methods, tax_ids
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import blank_to_none, build_object_id, merge_stripe_metadata
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

URL = "/v1/customers"
COPIED_FIELDS = (
    "name",
    "email",
    "phone",
    "description",
    "business_name",
    "individual_name",
    "shipping",
    "preferred_locales",
    "balance",
    "invoice_prefix",
    "next_invoice_sequence",
)
NEVER_NULL = ("business_name", "individual_name")  # left out while unset
ADDRESS_PARTS = ("city", "country", "line1", "line2", "postal_code", "state")
COUNTRY_LENGTH = 2


def create_customer(call: Call) -> Document:
    """Create a customer, with tax ids and a payment method if given."""
    customer = insert_customer(call.ledger, call.params)
    for entry in call.params.get("tax_id_data", []):
        tax_ids.attach_tax_id(
            call.ledger, customer["id"], type_=entry["type"], value=entry["value"]
        )
    return customer


def insert_customer(ledger: Ledger, params: dict[str, Any]) -> Document:
    """Insert a customer."""
    customer = build_blank_customer(ledger)
    ledger.add_object(customer)
    if given := params.get("payment_method"):
        attached = payment_methods.attach_payment_method(ledger, customer["id"], given)
        params = replace_payment_token(params, given, attached["id"])
    customer = apply_customer_fields(ledger, customer, params)
    ledger.save_object(customer)
    ledger.record_event("customer.created", customer)
    return customer


def build_blank_customer(ledger: Ledger) -> Document:
    """Return a customer without details."""
    id_ = build_object_id("customer")
    return {
        "id": id_,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": ledger.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": id_[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def replace_payment_token(params: dict[str, Any], given: str, attached: str) -> dict[str, Any]:
    """Return the parameters with a test token replaced by the payment method created from it."""
    invoice = params.get("invoice_settings", {})
    if invoice.get("default_payment_method") == given:
        return params | {"invoice_settings": invoice | {"default_payment_method": attached}}
    return params


def apply_customer_fields(ledger: Ledger, customer: Document, params: dict[str, Any]) -> Document:
    """Return the customer with the parameters applied, where a blank value clears a field."""
    result = customer | {
        name: blank_to_none(params[name]) for name in COPIED_FIELDS if name in params
    }
    for name in NEVER_NULL:
        if result.get(name, "") is None:
            del result[name]
    if "address" in params:
        result["address"] = build_customer_address(params["address"])
    if "tax_exempt" in params:
        result["tax_exempt"] = params["tax_exempt"] or "none"
    if "invoice_settings" in params:
        given = {name: blank_to_none(value) for name, value in params["invoice_settings"].items()}
        if method := given.get("default_payment_method"):
            payment_methods.get_owned_card(ledger, method, customer["id"])
        result["invoice_settings"] = customer["invoice_settings"] | given
    result["metadata"] = merge_stripe_metadata(customer["metadata"], params.get("metadata"))
    if params.get("tax", {}).get("validate_location") == "immediately":
        require_location(result)
    return result


def build_customer_address(given: dict[str, str] | str) -> Document | None:
    """Return a complete address, where parts that were not sent are empty."""
    if isinstance(given, str):
        return None
    if len(given.get("country", "")) not in (0, COUNTRY_LENGTH):
        raise StripeError(
            f"Country '{given['country']}' is unknown. Try using a 2-character alphanumeric country "
            "code instead, such as 'US'.",
            param="address[country]",
        )
    return {name: blank_to_none(given.get(name)) for name in ADDRESS_PARTS}


def require_location(customer: Document) -> None:
    """Refuse a customer whose address is not enough for tax."""
    if not (customer["address"] or {}).get("country"):
        raise StripeError(
            "We could not determine the customer's tax location based on the provided customer "
            "address.",
            code="customer_tax_location_invalid",
            param="address",
        )


def retrieve_customer(call: Call) -> Document:
    """Return a customer, or the stub of a deleted one."""
    return call.ledger.get_object("customer", call.path["customer"])


def update_customer(call: Call) -> Document:
    """Change a customer."""
    customer = get_undeleted_customer(call)
    result = apply_customer_fields(call.ledger, customer, call.params)
    call.ledger.save_object(result, event="customer.updated")
    return result


def delete_customer(call: Call) -> Document:
    """Delete a customer and end its subscriptions at once."""
    customer = get_undeleted_customer(call)
    for subscription in list(call.ledger.list_owned_objects("subscription", customer["id"])):
        if subscription["status"] not in endings.ENDED_STATUSES:
            endings.end_subscription(call.ledger, subscription, reason="cancellation_requested")
    call.ledger.record_event("customer.deleted", customer)
    stub = {"id": customer["id"], "object": "customer", "deleted": True}
    call.ledger.save_object(stub)
    return stub


def get_undeleted_customer(call: Call) -> Document:
    """Return a customer that was not deleted."""
    customer = call.ledger.get_object("customer", call.path["customer"])
    if customer.get("deleted"):
        raise StripeError(
            f"No such customer: '{customer['id']}'", status=404, code="resource_missing", param="id"
        )
    return customer


def list_customers(call: Call) -> Document:
    """List customers."""
    found = [
        customer
        for customer in call.ledger.list_objects("customer")
        if not customer.get("deleted")
        and is_matching_filters(customer, call.params, "email")
        and is_time_within(customer["created"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url=URL)
