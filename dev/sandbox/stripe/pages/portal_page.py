"""Serve the customer portal's page with subscriptions, invoices and billing details."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import request_bodies
from sandbox.store import Document
from sandbox.stripe import (
    customers,
    endings,
    invoice_lines,
    money,
    subscription_documents,
    subscriptions,
    tax_ids,
)
from sandbox.stripe.pages import rendering
from sandbox.stripe.protocol.errors import StripeError
from sandbox.stripe.protocol.ledger import Ledger
from sandbox.world import World

type Action = Callable[[Ledger, Document, dict[str, str]], None]

SEE_OTHER = 303
SESSION_SECONDS = 3_600  # a session is created for each visit


async def show_portal_page(world: World, request: Request) -> Response:
    """Show the portal to the customer of the session."""
    ledger = Ledger(world)
    session = find_portal_session(ledger, request)
    if session is None:
        return rendering.render_gone_page(world, request, "portal session")
    return render_portal_page(ledger, request, session, {})


async def submit_portal_page(world: World, request: Request) -> Response:
    """Run one action and show the portal again."""
    fields = request_bodies.parse_form(await request.body())
    ledger = Ledger(world)
    session = find_portal_session(ledger, request)
    if session is None:
        return rendering.render_gone_page(world, request, "portal session")
    try:
        read_portal_action(ledger, session, fields)(ledger, session, fields)
    except StripeError as refusal:
        return render_portal_page(Ledger(world), request, session, fields, refusal=refusal)
    ledger.commit()
    return RedirectResponse(f"/portal/{session['id']}?done={fields['action']}", SEE_OTHER)


def find_portal_session(ledger: Ledger, request: Request) -> Document | None:
    """Return the session, unless it is too old."""
    session = rendering.find_page_object(ledger, "billing_portal.session", request)
    return session if session and ledger.now - session["created"] <= SESSION_SECONDS else None


def get_features(ledger: Ledger, session: Document) -> Document:
    """Return the features that the session's configuration offers."""
    configuration = ledger.get_object("billing_portal.configuration", session["configuration"])
    features: Document = configuration["features"]
    return features


def is_action_allowed(ledger: Ledger, session: Document, action: str) -> bool:
    """Return whether the configuration offers an action."""
    features = get_features(ledger, session)
    if action in ("cancel", "resume"):
        return bool(features["subscription_cancel"]["enabled"])
    update = features["customer_update"]
    if action in ("add_tax_id", "remove_tax_id"):
        return update["enabled"] and "tax_id" in update["allowed_updates"]
    return bool(update["enabled"])


def read_portal_action(ledger: Ledger, session: Document, fields: dict[str, str]) -> Action:
    """Return the action of a button, if the portal offers it."""
    name = fields.get("action", "")
    if name not in ACTIONS or not is_action_allowed(ledger, session, name):
        raise StripeError("This portal does not offer that.", status=403)
    return ACTIONS[name]


def get_owned_object(ledger: Ledger, session: Document, kind: str, id_: str) -> Document:
    """Return an object, which must belong to the session's customer."""
    found = ledger.get_object(kind, id_)
    if found["customer"] != session["customer"]:
        raise StripeError("This object belongs to another customer.", status=404)
    return found


def cancel_from_portal(ledger: Ledger, session: Document, fields: dict[str, str]) -> None:
    """Cancel a subscription at once or at the period's end, as configured."""
    subscription = get_owned_object(ledger, session, "subscription", fields.get("subscription", ""))
    if get_features(ledger, session)["subscription_cancel"]["mode"] == "immediately":
        endings.end_subscription(ledger, subscription, reason="cancellation_requested")
        return
    # In flexible billing mode the portal sets the date instead of the flag:
    # https://docs.stripe.com/billing/subscriptions/billing-mode/compare
    ends = endings.apply_end_options(ledger, subscription, {"cancel_at": "max_period_end"})
    ledger.save_object(ends, event="customer.subscription.updated")


def resume_from_portal(ledger: Ledger, session: Document, fields: dict[str, str]) -> None:
    """Remove the scheduled end of a subscription."""
    subscription = get_owned_object(ledger, session, "subscription", fields.get("subscription", ""))
    if subscription["status"] in endings.ENDED_STATUSES:
        raise StripeError("This subscription has ended; subscribe again instead.")
    stays = endings.apply_end_options(ledger, subscription, {"cancel_at_period_end": False})
    ledger.save_object(stays, event="customer.subscription.updated")


def change_billing_details(ledger: Ledger, session: Document, fields: dict[str, str]) -> None:
    """Change the billing details that the configuration allows."""
    permitted = get_features(ledger, session)["customer_update"]["allowed_updates"]
    params: Document = {
        name: fields[name] for name in ("name", "email") if name in fields and name in permitted
    }
    address = rendering.format_address(fields)
    customer = ledger.get_object("customer", session["customer"])
    changed = customers.apply_customer_fields(ledger, customer, params)
    if address and "address" in permitted:
        changed["address"] = address
    ledger.save_object(changed, event="customer.updated")


def add_tax_id(ledger: Ledger, session: Document, fields: dict[str, str]) -> None:
    """Add a tax id."""
    customer = ledger.get_object("customer", session["customer"])
    country = (customer["address"] or {}).get("country") or ""
    given = rendering.parse_tax_id({"country": country} | fields)
    if given is None:
        raise StripeError("Type a tax id first.")
    tax_ids.attach_tax_id(ledger, customer["id"], type_=given[0], value=given[1])


def remove_tax_id(ledger: Ledger, session: Document, fields: dict[str, str]) -> None:
    """Remove a tax id."""
    tax_id = get_owned_object(ledger, session, "tax_id", fields.get("tax_id", ""))
    ledger.remove_object(tax_id, event="customer.tax_id.deleted")


ACTIONS: dict[str, Action] = {
    "cancel": cancel_from_portal,
    "resume": resume_from_portal,
    "details": change_billing_details,
    "add_tax_id": add_tax_id,
    "remove_tax_id": remove_tax_id,
}
DONE_MESSAGES = {
    "cancel": "The subscription will end as shown below.",
    "resume": "The subscription continues.",
    "details": "The billing details were saved.",
    "add_tax_id": "The tax id was added.",
    "remove_tax_id": "The tax id was removed.",
}


def render_portal_page(
    ledger: Ledger,
    request: Request,
    session: Document,
    fields: dict[str, str],
    *,
    refusal: StripeError | None = None,
) -> Response:
    """Return the page, with a refused tax id kept in its field."""
    customer = ledger.get_object("customer", session["customer"])
    features = get_features(ledger, session)
    shown = [
        subscriptions.load_subscription(ledger, entry["id"])
        for entry in ledger.list_owned_objects("subscription", customer["id"])
    ][::-1]
    context = {
        "session": session,
        "customer": customer,
        "address": customer.get("address") or {},
        "subscriptions": [summarize_subscription(ledger, subscription) for subscription in shown],
        "invoices": list(ledger.list_owned_objects("invoice", customer["id"]))[::-1],
        "tax_ids": list(ledger.list_owned_objects("tax_id", customer["id"])),
        "features": features,
        "editable": features["customer_update"]["allowed_updates"],
        "typed_tax_id": fields.get("tax_id", "") if fields.get("action") == "add_tax_id" else "",
        "refusal": refusal.message if refusal else None,
        "done": None if refusal else DONE_MESSAGES.get(request.query_params.get("done", "")),
    }
    status = refusal.status if refusal else 200
    return rendering.render_stripe_page(
        ledger.world, request, "portal.html", context, status=status
    )


def summarize_subscription(ledger: Ledger, subscription: Document) -> Document:
    """Return what the page shows of a subscription."""
    items = subscription["items"]["data"]
    amount = sum(
        money.round_half_up(money.compute_cost(item["price"], item.get("quantity", 0)))
        for item in items
        if item["price"]["billing_scheme"] == "per_unit"
    )
    return {
        "id": subscription["id"],
        "status": subscription["status"],
        "over": subscription["status"] in endings.ENDED_STATUSES,
        "items": [
            item | {"product": invoice_lines.get_product_name(ledger, item["price"])}
            for item in items
        ],
        "amount": amount,
        "discounted": bool(subscription["discounts"]),
        "currency": subscription["currency"],
        "interval": items[0]["price"]["recurring"]["interval"],
        "end": subscription_documents.get_current_period(subscription)[1],
        "ends": subscription["cancel_at"],
    }
