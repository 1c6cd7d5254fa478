"""Serve the checkout page, where a card always succeeds or always fails and no money moves."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import request_bodies
from sandbox.store import Document
from sandbox.stripe import checkout, checkout_completion
from sandbox.stripe.checkout_completion import BuyerDetails
from sandbox.stripe.pages import rendering
from sandbox.stripe.protocol.errors import StripeError, build_decline_error
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

SEE_OTHER = 303


async def show_checkout_page(world: World, request: Request) -> Response:
    """Show the page of a checkout session in any state."""
    ledger = Ledger(world)
    session = rendering.find_page_object(ledger, "checkout.session", request)
    if session is None:
        return rendering.render_gone_page(world, request, "checkout")
    return render_checkout_page(ledger, request, session, {})


async def submit_checkout_page(world: World, request: Request) -> Response:
    """Pay, decline, or go back."""
    fields = request_bodies.parse_form(await request.body())
    ledger = Ledger(world)
    session = rendering.find_page_object(ledger, "checkout.session", request)
    if session is None:
        return rendering.render_gone_page(world, request, "checkout")
    if fields.get("action") == "cancel" and session["cancel_url"]:
        return RedirectResponse(session["cancel_url"], SEE_OTHER)
    try:
        checkout.require_open(session)
        if fields.get("action") != "pay":
            raise build_decline_error()
        address = rendering.read_required_address(fields)
        name, email = fields.get("name", ""), fields.get("email", "")
        details = BuyerDetails(
            name,
            email,
            address,
            rendering.parse_tax_id(fields),
            fields.get("promotion_code", ""),
        )
        done = checkout_completion.complete_checkout_session(ledger, session, details)
    except StripeError as refusal:
        return render_checkout_page(Ledger(world), request, session, fields, refusal=refusal)
    ledger.commit()
    return RedirectResponse(checkout_completion.build_success_url(done), SEE_OTHER)


def render_checkout_page(
    ledger: Ledger,
    request: Request,
    session: Document,
    fields: dict[str, str],
    *,
    refusal: StripeError | None = None,
) -> Response:
    """Return the page, filled with the customer's saved details or the submitted ones."""
    customer = ledger.find_object("customer", session["customer"] or "") or {}
    address = customer.get("address") or {}
    typed = {name: fields.get(name, address.get(name) or "") for name in rendering.ADDRESS_FIELDS}
    state = ledger.get_private_state(session["id"])
    data = state["subscription_data"]
    context = {
        "session": session,
        "lines": state["lines"],
        "total": sum(line["amount_total"] for line in state["lines"]),
        "trial_days": data.get("trial_period_days"),
        "trial_end": data.get("trial_end"),
        "name": fields.get("name", customer.get("name") or ""),
        "email": fields.get("email", customer.get("email") or session["customer_email"] or ""),
        "country": fields.get("country", address.get("country") or ""),
        "tax_id": fields.get("tax_id", ""),
        "promotion_code": fields.get("promotion_code", ""),
        "typed": typed,
        "known": bool(customer),
        "refusal": refusal.message if refusal else None,
        "again": checkout_completion.build_success_url(session)
        if session["status"] == "complete"
        else None,
    }
    status = refusal.status if refusal else 200
    return rendering.render_stripe_page(
        ledger.world, request, "checkout.html", context, status=status
    )
