"""Control the Stripe part for tests, with payments, declines and dashboard changes."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox.control import NUMBER, Kind, RefusedError, read_fields
from sandbox.store import Document
from sandbox.stripe import (
    checkout,
    checkout_completion,
    coupons,
    customers,
    dashboard,
    invoice_collection,
    late_payments,
    payment_outcomes,
    prices,
    test_data,
)
from sandbox.stripe.checkout_completion import BuyerDetails
from sandbox.stripe.payment_outcomes import ChargeResult
from sandbox.stripe.protocol.dispatch import Call
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

type Control = Callable[[World, Request], Awaitable[JSONResponse]]

OUTCOMES = tuple(ChargeResult)
COUPON_FIELDS: dict[str, Kind] = {
    "code": str,
    "percent_off": NUMBER,
    "amount_off": int,
    "currency": str,
    "duration": str,
    "duration_in_months": int,
}
POLICIES = ("cancel", "unpaid", "past_due")


def translate_refusals(handler: Control) -> Control:
    """Turn Stripe's refusals into those of the control plane."""

    @wraps(handler)
    async def handle(world: World, request: Request) -> JSONResponse:
        try:
            return await handler(world, request)
        except StripeError as refusal:
            raise RefusedError(refusal.message, status=refusal.status) from refusal

    return handle


@translate_refusals
async def handle_pay(world: World, request: Request) -> JSONResponse:
    """Complete a checkout as if a person had paid."""
    known: dict[str, Kind] = dict.fromkeys(("name", "email", "country", "promotion_code"), str)
    fields = await read_fields(request, known)
    address = {"country": fields["country"]} if "country" in fields else None
    details = BuyerDetails(
        fields.get("name", ""),
        fields.get("email", ""),
        address,
        promotion_code=fields.get("promotion_code", ""),
    )
    ledger = Ledger(world)
    session = ledger.get_object("checkout.session", request.path_params["id"])
    done = checkout_completion.complete_checkout_session(ledger, session, details)
    ledger.commit()
    parts = ("id", "status", "payment_status", "customer", "subscription", "invoice")
    answer: Document = {name: done[name] for name in parts}
    return JSONResponse(answer | {"url": checkout_completion.build_success_url(done)})


@translate_refusals
async def handle_decline(world: World, request: Request) -> JSONResponse:
    """Try to pay with a declined card, which leaves the session open."""
    await read_fields(request, {})
    session = Ledger(world).get_object("checkout.session", request.path_params["id"])
    checkout.require_open(session)
    return JSONResponse({"id": session["id"], "status": "open", "outcome": "card_declined"})


@translate_refusals
async def handle_expire(world: World, request: Request) -> JSONResponse:
    """Expire a checkout session now."""
    await read_fields(request, {})
    ledger = Ledger(world)
    session = ledger.get_object("checkout.session", request.path_params["id"])
    closed = checkout.close_expired_session(ledger, checkout.require_open(session))
    ledger.commit()
    return JSONResponse({"id": closed["id"], "status": closed["status"]})


@translate_refusals
async def handle_payment_outcome(world: World, request: Request) -> JSONResponse:
    """Set how a customer's next payments end, without `times` until it is set again."""
    fields = await read_fields(request, {"outcome": str, "times": int}, required=("outcome",))
    if fields["outcome"] not in OUTCOMES or fields.get("times", 1) < 1:
        raise RefusedError(f"`outcome` is one of {', '.join(OUTCOMES)}; `times` at least 1.")
    customer = Ledger(world).get_object("customer", request.path_params["id"])["id"]
    payment_outcomes.set_payment_outcome(
        world.store, customer, outcome=fields["outcome"], times=fields.get("times")
    )
    return JSONResponse({"customer": customer} | fields)


@translate_refusals
async def handle_authentication(world: World, request: Request) -> JSONResponse:
    """Pay an open invoice as if its customer had authenticated the charge."""
    await read_fields(request, {})
    ledger = Ledger(world)
    invoice = ledger.get_object("invoice", request.path_params["id"])
    invoice = invoice_collection.get_payable_invoice(ledger, invoice)
    paid = invoice_collection.mark_invoice_paid(ledger, invoice)
    late_payments.apply_late_payment(ledger, paid)
    ledger.commit()
    return JSONResponse({"id": paid["id"], "status": paid["status"]})


async def handle_settings(world: World, request: Request) -> JSONResponse:
    """Show or set what happens when the last attempt to collect has failed."""
    if request.method == "GET":
        return JSONResponse(payment_outcomes.get_account_settings(world.store))
    fields = await read_fields(request, {"after_failed_payments": str})
    if fields.get("after_failed_payments", "cancel") not in POLICIES:
        raise RefusedError(f"`after_failed_payments` is one of {', '.join(POLICIES)}.")
    return JSONResponse(payment_outcomes.set_account_settings(world.store, fields))


@translate_refusals
async def handle_subscription(world: World, request: Request) -> JSONResponse:
    """Change a subscription as if in the dashboard, with events that name no request."""
    fields = await read_fields(request, dashboard.FIELDS)
    ledger = Ledger(world)
    changed = dashboard.change_in_dashboard(ledger, request.path_params["id"], fields)
    ledger.commit()
    return JSONResponse(changed)


@translate_refusals
async def handle_object_deletion(world: World, request: Request) -> JSONResponse:
    """Delete an object and what belongs to it without events, as wiped test data."""
    await read_fields(request, {})
    deleted = test_data.delete_object(world, request.path_params["id"])
    return JSONResponse({"deleted": deleted})


async def handle_wipe(world: World, request: Request) -> JSONResponse:
    """Delete all objects of the account without events."""
    await read_fields(request, {})
    return JSONResponse({"deleted": test_data.delete_all_objects(world)})


@translate_refusals
async def handle_customer_deletion(world: World, request: Request) -> JSONResponse:
    """Delete a customer as if in the dashboard, with events that name no request."""
    await read_fields(request, {})
    ledger = Ledger(world)
    stub = customers.delete_customer(Call(ledger, {"customer": request.path_params["id"]}, {}))
    ledger.commit()
    return JSONResponse(stub)


@translate_refusals
async def handle_price_deletion(world: World, request: Request) -> JSONResponse:
    """Delete a price that was never used as if in the dashboard, which the API cannot."""
    await read_fields(request, {})
    ledger = Ledger(world)
    stub = prices.delete_price(ledger, request.path_params["id"])
    ledger.commit()
    return JSONResponse(stub)


@translate_refusals
async def handle_promotion_code(world: World, request: Request) -> JSONResponse:
    """Create a coupon with a promotion code."""
    fields = await read_fields(request, COUPON_FIELDS, required=("code",))
    ledger = Ledger(world)
    code = coupons.create_promotion_code(ledger, fields)
    ledger.commit()
    return JSONResponse(code, status_code=201)


def build_stripe_control_routes(world: World) -> list[BaseRoute]:
    """Return the control routes, below `/_sandbox`."""
    table: dict[str, Control] = {
        "/checkout/{id}/pay": handle_pay,
        "/checkout/{id}/decline": handle_decline,
        "/checkout/{id}/expire": handle_expire,
        "/stripe/customers/{id}/payment": handle_payment_outcome,
        "/stripe/invoices/{id}/authenticate": handle_authentication,
        "/stripe/promotion_codes": handle_promotion_code,
        "/stripe/subscriptions/{id}": handle_subscription,
    }
    posts = [
        Route(path, partial(handler, world), methods=["POST"]) for path, handler in table.items()
    ]
    deletions: dict[str, Control] = {
        "/stripe/objects": handle_wipe,
        "/stripe/objects/{id}": handle_object_deletion,
        "/stripe/customers/{id}": handle_customer_deletion,
        "/stripe/prices/{id}": handle_price_deletion,
    }
    deletes = [
        Route(path, partial(handler, world), methods=["DELETE"])
        for path, handler in deletions.items()
    ]
    return [
        *posts,
        *deletes,
        Route("/stripe/settings", partial(handle_settings, world), methods=["GET", "POST"]),
    ]
