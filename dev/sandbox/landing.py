"""Show where mailed links and payment pages lead without a front end, and the next API calls."""

import json
import shlex
from dataclasses import asdict, dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from sandbox.stytch import connections, factors
from sandbox.world import World

# What a step needs from an earlier answer; the page fills it in once it has seen that answer.
TOKEN, SESSION, SLUG = "{intermediate_session_token}", "{session_jwt}", "{slug}"
ORGANIZATION_PATH = "/v1/organizations/{slug}"


# What the page shows at a call until the values of the named earlier call arrived.
REQUIREMENTS = {
    "intermediate_session_token": "Run the exchange of the link's token first.",
    "organization_id": "This call needs an organization from the list of that answer.",
    "session_jwt": "Sign in first: this call needs a session.",
    "session_token": "Sign in first: this call needs a session.",
    "member_id": "This call needs an answer with the code mfa_required.",
    "slug": "Sign in first: this call needs a session.",
    "price_id": "Run “List the plans and prices” first: this call needs a price.",
}


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
            Step("The address is verified. Exchange the token for the list of organizations:", "POST",
                 "/v1/auth/discovery", {"token": token}, needs_session=False),
            *list_organization_calls(),
        ]  # fmt: skip
    if kind == "discovery_oauth":
        return [
            Step("The provider has answered. Exchange the token for the list of organizations:", "POST",
                 "/v1/auth/oauth", {"token": token}, needs_session=False),
            *list_organization_calls(),
        ]  # fmt: skip
    if kind == "sso":
        text = "The organization's provider has answered. Exchange the token for a session:"
        return [Step(text, "POST", "/v1/auth/sso", {"token": token}, needs_session=False)]
    if kind == "multi_tenant_magic_links":
        text = "The link belongs to one organization. Exchange the token for a session:"
        path = "/v1/auth/invitations/accept"
        return [Step(text, "POST", path, {"token": token}, needs_session=False)]
    return []


def list_organization_calls() -> list[Step]:
    """Return the calls that follow the list of organizations."""
    return [
        Step("No organization yet? Create one; you are its first admin:", "POST",
             "/v1/auth/organizations", needs_session=False,
             body={"intermediate_session_token": TOKEN, "name": "Acme"}),
        Step("Or sign in to one of the listed organizations:", "POST", "/v1/auth/sessions", needs_session=False,
             body={"intermediate_session_token": TOKEN, "organization_id": "{organization_id}"}),
    ]  # fmt: skip


def list_second_factor_calls() -> list[Step]:
    """Return the calls that finish a sign-in with a second factor, or set one up."""
    sign_in = {
        "intermediate_session_token": TOKEN,
        "organization_id": "{organization_id}",
        "member_id": "{member_id}",
    }
    return [
        Step("Nothing is set up yet? Set up an authenticator app. The page /authenticator shows its codes:", "POST",
             "/v1/auth/mfa/totp/enroll", sign_in, needs_session=False),
        Step("Enter a code of the app:", "POST",
             "/v1/auth/mfa/totp", {**sign_in, "code": "{code}"}, needs_session=False),
        Step("Or have a code sent to a phone. The message arrives in the inbox:", "POST",
             "/v1/auth/mfa/sms/send", {**sign_in, "phone_number": "+15005550006"}, needs_session=False),
        Step("Enter the code of the message:", "POST",
             "/v1/auth/mfa/sms", {**sign_in, "code": "{code}"}, needs_session=False),
    ]  # fmt: skip


def list_checkout_calls(landing: str) -> list[Step]:
    """Return the calls that lead to the payment page."""
    checkout = {
        "price_id": "{price_id}",
        "success_url": f"{landing}?from=checkout",
        "cancel_url": f"{landing}?from=canceled",
    }
    return [
        Step("List the plans and prices:", "GET", "/v1/plans", needs_session=False),
        Step(
            "Buy a plan. Pay on the page whose address this call returns.",
            "POST", f"{ORGANIZATION_PATH}/billing/checkout", checkout,
        ),
    ]  # fmt: skip


def list_admin_calls(landing: str) -> list[Step]:
    """Return the calls of an admin who has a subscription."""
    invitation = {"email": "grace@example.com", "role": "member"}
    return [
        Step("Show the subscription, after the webhook was processed:", "GET",
             f"{ORGANIZATION_PATH}/billing/subscription"),
        Step("Invite a member. The mail arrives in the inbox:", "POST", f"{ORGANIZATION_PATH}/invitations", invitation),
        Step("Show the seats and whether their number was sent to Stripe:", "GET", f"{ORGANIZATION_PATH}/billing/seats"),
        Step("Open the billing portal to cancel or to read invoices:", "POST",
             f"{ORGANIZATION_PATH}/billing/portal", {"return_url": f"{landing}?from=portal"}),
        Step("List the events of the organization:", "GET", f"{ORGANIZATION_PATH}/events"),
    ]  # fmt: skip


REFRESH_STEP = Step(
    "A session JWT expires after five minutes. After a 401, refresh it:", "POST",
    "/v1/auth/sessions/refresh", {"session_token": "{session_token}"}, needs_session=False,
)  # fmt: skip
SIGN_IN_STEP = Step(
    "Ask the API for a sign-in link:", "POST", "/v1/auth/magic-links",
    {"email": "ada@example.com"}, needs_session=False,
)  # fmt: skip


def list_provider_links(world: World) -> list[dict[str, str]]:
    """Return where a browser starts to sign in with each identity provider."""
    landing = quote(f"{world.settings.public_url.rstrip('/')}/landing", safe="")
    start = f"{world.settings.api_url.rstrip('/')}/v1/auth"
    links = [
        {
            "name": name,
            "url": f"{start}/oauth/start?provider={provider}&redirect_url={landing}",
        }
        for provider, name in factors.OAUTH_PROVIDERS.items()
    ]
    for connection in connections.list_active_connections(world):
        query = f"connection_id={connection['connection_id']}&redirect_url={landing}"
        name = connection["display_name"] or connection["connection_id"]
        links.append({"name": name, "url": f"{start}/sso/start?{query}"})
    return links


RETURN_MESSAGES = {
    "checkout": "Paid. Stripe's webhook will update the subscription in the API.",
    "canceled": "Nothing was paid. The checkout was canceled.",
    "portal": "Back from the billing portal. Your changes reach the API through webhooks.",
}


async def show_landing(world: World, request: Request) -> Response:
    """Show what a front end would receive here and which calls it would make next."""
    query = request.query_params
    here = f"{world.settings.public_url.rstrip('/')}/landing"
    first = list_sign_in_calls(query.get("stytch_token_type", ""), query.get("token", ""))
    came_from = query.get("from", "")
    if first or came_from == "canceled":
        later = list_checkout_calls(here) + list_admin_calls(here)
    else:
        later = list_admin_calls(here) + list_checkout_calls(here)
    context = {
        "given": list(query.multi_items()),
        "returned": RETURN_MESSAGES.get(came_from, ""),
        "groups": [
            (title, [describe_step(world, step) for step in steps])
            for title, steps in (
                ("Next step", first),
                ("If an answer says mfa_required", list_second_factor_calls() if first else []),
                ("With a session", [*later, REFRESH_STEP]),
            )
            if steps
        ],
    }
    return world.templates.TemplateResponse(request, "landing.html", context)


def describe_step(world: World, step: Step) -> dict[str, object]:
    """Return a step with a command to paste and the values that the page's script fills in."""
    url = f"{world.settings.api_url.rstrip('/')}{step.path}"
    command = format_curl(step, url)
    return asdict(step) | {
        "url": url,
        "command": command,
        "requirements": find_requirements(command),
    }


def find_requirements(command: str) -> list[dict[str, object]]:
    """Return what must happen before a command, each with the values that show it has happened."""
    found: dict[str, list[str]] = {}
    for name, text in REQUIREMENTS.items():
        if f"{{{name}}}" in command:
            found.setdefault(text, []).append(name)
    return [{"text": text, "names": names} for text, names in found.items()]


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
