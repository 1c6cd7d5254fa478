"""Serve checkout sessions, which the product creates and a person completes on the page."""

from typing import Any

from sandbox.store import Document
from sandbox.stripe import money, periods, price_rules, prices, subscription_documents
from sandbox.stripe.protocol import unsupported_parameters
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.documents import build_object_id, merge_stripe_metadata
from sandbox.stripe.protocol.errors import StripeError, build_absent_error, build_parameter_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.stripe.protocol.listing import build_list_page, is_matching_filters, is_time_within

URL = "/v1/checkout/sessions"
MINUTE_SECONDS = 60
SHORTEST_SECONDS = 30 * MINUTE_SECONDS
LONGEST_SECONDS = 24 * 60 * MINUTE_SECONDS
SHORTEST_TRIAL_SECONDS = 48 * 60 * MINUTE_SECONDS
SESSION_PLACEHOLDER = "{CHECKOUT_SESSION_ID}"


def create_checkout_session(call: Call) -> Document:
    """Create a checkout session for a subscription."""
    ledger, params = call.ledger, call.params
    check_checkout_parameters(ledger, params)
    lines = [
        build_session_line(ledger, entry, f"line_items[{index}]")
        for index, entry in enumerate(params["line_items"])
    ]
    check_session_prices(ledger, params, [line["price"] for line in lines])
    id_ = build_object_id("checkout.session")
    session = build_open_session(ledger, id_, params, lines)
    ledger.add_object(session, owners=(session["customer"],) if session["customer"] else ())
    ledger.save_private_state(
        id_,
        lines=lines,
        subscription_data=params.get("subscription_data", {}),
        customer_update=params.get("customer_update", {}),
    )
    return session


def check_checkout_parameters(ledger: Ledger, params: dict[str, Any]) -> None:
    """Refuse the parameters of a session that Stripe would refuse, and taxes that it would show."""
    if params.get("subscription_data", {}).get("default_tax_rates"):
        param = "subscription_data[default_tax_rates]"
        raise unsupported_parameters.build_unsupported_error(param)
    if params.get("mode") != "subscription":
        raise StripeError("The sandbox serves `mode=subscription` only.", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise StripeError("The sandbox serves `ui_mode=hosted_page` only.", param="ui_mode")
    for name in ("line_items", "success_url"):
        if not params.get(name):
            raise build_absent_error(name)
    if "customer" in params:
        ledger.get_object("customer", params["customer"], param="customer")
        if "customer_email" in params:
            raise build_parameter_error(
                "You may only specify one of `customer` and `customer_email`.", param="customer"
            )
    elif "customer_update" in params:
        raise build_parameter_error(
            "`customer_update` can only be used with `customer`.", param="customer_update"
        )
    check_customer_update(params)
    span = params.get("expires_at", ledger.now + LONGEST_SECONDS) - ledger.now
    # A minute of grace for the caller's clock.
    if not SHORTEST_SECONDS - MINUTE_SECONDS <= span <= LONGEST_SECONDS + MINUTE_SECONDS:
        raise build_parameter_error(
            "`expires_at` must be between 30 minutes and 24 hours from now.", param="expires_at"
        )
    check_session_trial(ledger, params.get("subscription_data", {}))


def check_session_prices(
    ledger: Ledger, params: dict[str, Any], session_prices: list[Document]
) -> None:
    """Refuse prices that cannot share a subscription, or a second currency of the customer."""
    currency = session_prices[0]["currency"]
    for index, price in enumerate(session_prices):
        price_rules.require_currency(price, currency, param=f"line_items[{index}][price]")
    price_rules.require_one_interval(session_prices)
    if "customer" in params:
        price_rules.require_customer_currency(ledger, params["customer"], currency)


def check_session_trial(ledger: Ledger, data: dict[str, Any]) -> None:
    """Refuse a trial that has no days, or ends too soon for a reminder."""
    periods.check_trial(data, now=ledger.now, within="subscription_data")
    trial_end = data.get("trial_end")
    if trial_end is not None and trial_end < ledger.now + SHORTEST_TRIAL_SECONDS:
        raise build_parameter_error(
            "`trial_end` must be at least 2 days in the future.",
            param="subscription_data[trial_end]",
        )


def check_customer_update(params: dict[str, Any]) -> None:
    """Refuse to collect a known customer's tax ids without permission to save the name."""
    allowed = params.get("customer_update", {})
    known = "customer" in params
    if (
        known
        and params.get("tax_id_collection", {}).get("enabled")
        and allowed.get("name") != "auto"
    ):
        raise StripeError(
            "Tax ID collection requires updating business name on the customer. To enable tax ID "
            "collection for an existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )


def build_session_line(ledger: Ledger, entry: Document, param: str) -> Document:
    """Return one line of a session."""
    if "price" not in entry:
        raise StripeError("The sandbox needs `price` on each line.", param=f"{param}[price]")
    price = prices.get_price_terms(ledger, entry["price"], param=f"{param}[price]")
    price_rules.require_sellable(ledger, price, param=f"{param}[price]")
    metered = price["recurring"]["usage_type"] == "metered"
    quantity = None if metered else entry.get("quantity")
    if quantity is None and not metered:
        raise build_parameter_error(
            "Quantity is required.", param=f"{param}[quantity]", code="parameter_missing"
        )
    amount = 0 if quantity is None else money.round_half_up(money.compute_cost(price, quantity))
    product = ledger.get_object("product", price["product"])
    return {
        "id": build_object_id("item"),
        "object": "item",
        "adjustable_quantity": entry.get("adjustable_quantity"),
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": entry.get("metadata", {}),
        "price": subscription_documents.strip_private_fields(price),
        "quantity": quantity,
    }


def build_open_session(
    ledger: Ledger, id_: str, params: dict[str, Any], lines: list[Document]
) -> Document:
    """Return an open session."""
    data = params.get("subscription_data", {})
    trial = "trial_end" in data or "trial_period_days" in data
    total = 0 if trial else sum(entry["amount_total"] for entry in lines)
    return (
        dict.fromkeys(NULL_FIELDS)
        | echo_parameters(params)
        | {
            "id": id_,
            "object": "checkout.session",
            "amount_subtotal": total,
            "amount_total": total,
            "created": ledger.now,
            "currency": lines[0]["currency"],
            "expires_at": params.get("expires_at", ledger.now + LONGEST_SECONDS),
            "livemode": False,
            "mode": "subscription",
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "status": "open",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": f"{ledger.world.settings.public_url}/checkout/{id_}",
        }
    )


NULL_FIELDS = """after_expiration allowed_payment_method_types client_secret consent consent_collection currency_conversion
collected_information customer_account customer_details discounts integration_identifier invoice
invoice_creation managed_payments origin_context payment_intent payment_link
payment_method_configuration_details payment_method_options permissions recovered_from
saved_payment_method_options setup_intent shipping_address_collection shipping_cost subscription
wallet_options""".split()
COPIED_PARAMETERS = """allow_promotion_codes billing_address_collection cancel_url client_reference_id customer
customer_email locale submit_type success_url""".split()
CUSTOM_TEXTS = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")


def echo_parameters(params: dict[str, Any]) -> Document:
    """Return the fields that a session copies from its parameters, with Stripe's defaults."""
    taxed = params.get("automatic_tax", {}).get("enabled", False)
    tax_ids = {"enabled": False, "required": "never"} | params.get("tax_id_collection", {})
    return {name: params.get(name) for name in COPIED_PARAMETERS} | {
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": subscription_documents.build_computed_tax(
            "requires_location_inputs", enabled=taxed
        ),
        "custom_fields": [],
        "custom_text": dict.fromkeys(CUSTOM_TEXTS),
        "customer_creation": None if "customer" in params else "always",
        "metadata": merge_stripe_metadata({}, params.get("metadata")),
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "shipping_options": [],
        "tax_id_collection": tax_ids,
    }


def retrieve_checkout_session(call: Call) -> Document:
    """Return a session."""
    return call.ledger.get_object("checkout.session", call.path["session"])


def list_checkout_sessions(call: Call) -> Document:
    """List sessions."""
    customer = call.params.get("customer")
    every = (
        call.ledger.list_owned_objects("checkout.session", customer)
        if customer
        else iter(call.ledger.list_objects("checkout.session"))
    )
    found = [
        session
        for session in every
        if is_matching_filters(session, call.params, "status", "subscription")
        and is_time_within(session["created"], call.params.get("created"))
    ]
    return build_list_page(found, call.params, url=URL)


def list_checkout_line_items(call: Call) -> Document:
    """List the lines of a session, in their order."""
    session = retrieve_checkout_session(call)
    entries = call.ledger.get_private_state(session["id"])["lines"]
    return build_list_page(entries[::-1], call.params, url=f"{URL}/{session['id']}/line_items")


def expire_checkout_session(call: Call) -> Document:
    """Close an open session."""
    return close_expired_session(call.ledger, require_open(retrieve_checkout_session(call)))


def close_expired_session(ledger: Ledger, session: Document) -> Document:
    """Close a session that was not paid in time."""
    closed = session | {"status": "expired", "url": None}
    ledger.save_object(closed)
    ledger.record_event("checkout.session.expired", closed)
    return closed


def require_open(session: Document) -> Document:
    """Return the session if it is open, and refuse it otherwise."""
    if session["status"] != "open":
        raise StripeError(
            f'Only Checkout Sessions with a status in ["open"] can be expired or paid. This '
            f"Checkout Session has a status of {session['status']}."
        )
    return session
