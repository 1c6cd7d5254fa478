"""Show where mailed links and payment pages lead without a front end, and the next API calls."""

import json
import shlex
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.world import World

# What a step needs from an earlier answer; the page fills it in once it has seen that answer.
TOKEN, SESSION, SLUG = "{intermediate_session_token}", "{session_jwt}", "{slug}"
HERE = "/v1/organizations/{slug}"


@dataclass(frozen=True)
class Step:
    """Describe one call of the API and the reason to make it now."""

    text: str
    method: str
    path: str
    body: dict[str, str] | None = None
    needs_session: bool = True


def list_sign_in_calls(kind: str, token: str) -> list[Step]:
    """Return the calls that exchange a mailed link's token for a session."""
    if kind == "discovery":
        return [
            Step("The address is proven. Trade the token for the list of organizations:", "POST",
                 "/v1/auth/discovery", {"token": token}, needs_session=False),
            Step("No organization yet? Create one; you are its first admin:", "POST",
                 "/v1/auth/organizations", needs_session=False,
                 body={"intermediate_session_token": TOKEN, "name": "Acme"}),
            Step("Or sign in to one of the list:", "POST", "/v1/auth/sessions", needs_session=False,
                 body={"intermediate_session_token": TOKEN, "organization_id": "{organization_id}"}),
        ]  # fmt: skip
    if kind == "multi_tenant_magic_links":
        text = "The link belongs to one organization. Trade the token for a session:"
        path = "/v1/auth/invitations/accept"
        return [Step(text, "POST", path, {"token": token}, needs_session=False)]
    return []


def list_checkout_calls(landing: str) -> list[Step]:
    """Return the calls that lead to the payment page."""
    checkout = {
        "price_id": "{price_id}",
        "success_url": f"{landing}?from=checkout",
        "cancel_url": f"{landing}?from=canceled",
    }
    return [
        Step("See what is sold:", "GET", "/v1/plans", needs_session=False),
        Step(
            "Buy it: pay on the page this answers with.",
            "POST", f"{HERE}/billing/checkout", checkout,
        ),
    ]  # fmt: skip


def list_admin_calls(landing: str) -> list[Step]:
    """Return the calls of an admin who has a subscription."""
    friend = {"email": "grace@example.com", "role": "member"}
    return [
        Step("What the organization has, once the webhook was processed:", "GET",
             f"{HERE}/billing/subscription"),
        Step("Invite somebody; the mail is in the inbox:", "POST", f"{HERE}/invitations", friend),
        Step("Who is paid for, and whether Stripe knows:", "GET", f"{HERE}/billing/seats"),
        Step("Cancel, or look at invoices: on the page this answers with.", "POST",
             f"{HERE}/billing/portal", {"return_url": f"{landing}?from=portal"}),
        Step("Who did what:", "GET", f"{HERE}/events"),
    ]  # fmt: skip


FRESH = Step(
    "Answered 401? A session JWT lives five minutes. Get a fresh one:", "POST",
    "/v1/auth/sessions/refresh", {"session_token": "{session_token}"}, needs_session=False,
)  # fmt: skip
BEGIN = Step(
    "Ask the API for a sign-in link:", "POST", "/v1/auth/magic-links",
    {"email": "ada@example.com"}, needs_session=False,
)  # fmt: skip
RETURNS = {
    "checkout": "Paid. The payment page sent you back, and Stripe's webhook tells the API.",
    "canceled": "Nothing was paid: the payment page was left.",
    "portal": "Back from the billing portal. What you changed there reaches the API as a webhook.",
}


async def show_landing(world: World, request: Request) -> Response:
    """Show what a front end would receive here and which calls it would make next."""
    asked = request.query_params
    here = f"{world.settings.public_url.rstrip('/')}/landing"
    first = list_sign_in_calls(asked.get("stytch_token_type", ""), asked.get("token", ""))
    came_from = asked.get("from", "")
    if first or came_from == "canceled":
        later = list_checkout_calls(here) + list_admin_calls(here)
    else:
        later = list_admin_calls(here) + list_checkout_calls(here)
    context = {
        "given": list(asked.multi_items()),
        "returned": RETURNS.get(came_from, ""),
        "groups": [
            (title, [describe_token(world, step) for step in steps])
            for title, steps in (("Next step", first), ("With a session", [*later, FRESH]))
            if steps
        ],
    }
    return world.templates.TemplateResponse(request, "landing.html", context)


def describe_token(world: World, step: Step) -> dict[str, object]:
    """Return a step with a command to paste and the values that the page's script fills in."""
    url = f"{world.settings.api_url.rstrip('/')}{step.path}"
    return asdict(step) | {"url": url, "command": format_curl(step, url)}


def format_curl(step: Step, url: str) -> str:
    """Return the curl command of a step, with names in braces for values of earlier answers."""
    method = "" if step.method == "GET" else f" -X {step.method}"
    lines = [f"curl{method} {shlex.quote(url)}"]
    if step.needs_session:
        lines.append(f"-H 'Authorization: Bearer {SESSION}'")
    if step.body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {shlex.quote(json.dumps(step.body))}")
    return " \\\n  ".join(lines)
