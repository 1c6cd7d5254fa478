"""Serve the pages for people, which show the start page, the mails and the webhooks sent."""

import json
from datetime import datetime
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import landing, mail, request_bodies
from sandbox.store import Document
from sandbox.stytch import credentials
from sandbox.world import World

PAGE_SIZE = 100
TONES = {
    "delivered": "good",
    "pending": "info",
    "retrying": "warn",
    "failed": "bad",
    "dropped": "warn",
}


async def show_home(world: World, request: Request) -> Response:
    """Show the start page with what the sandbox holds."""
    outcomes = [record["outcome"] for record in world.deliveries.list_records()]
    return world.templates.TemplateResponse(
        request,
        "home.html",
        {
            "step": landing.describe_step(world, landing.SIGN_IN_STEP),
            "providers": landing.list_provider_links(world),
            "mails": world.store.count_documents(mail.KIND),
            "events": len(outcomes),
            "troubled": sum(outcome in {"failed", "dropped"} for outcome in outcomes),
            "requests": len(world.log.list_entries()),
            "ahead": format_clock_offset(world.clock.offset),
            "faults": len(world.faults.list_rules()),
        },
    )


async def show_inbox(world: World, request: Request) -> Response:
    """Show the mails newest first, optionally of one address."""
    email = request.query_params.get("email", "").strip()
    now = world.clock.now()
    mails = [
        sent
        | {
            "expired": bool(sent["expires_at"]) and parse_instant(sent["expires_at"]) <= now,
            "used": credentials.is_link_used(world, sent["token"] or ""),
        }
        for sent in mail.find_mails(world, email=email)[:PAGE_SIZE]
    ]
    return world.templates.TemplateResponse(request, "inbox.html", {"mails": mails, "email": email})


async def show_events(world: World, request: Request) -> Response:
    """Show the webhooks sent, newest first."""
    vendor = request.query_params.get("vendor", "")
    records = [r for r in world.deliveries.list_records() if vendor in {"", r["vendor"]}]
    shown = [describe_event(record) for record in records[::-1][:PAGE_SIZE]]
    context = {"events": shown, "vendor": vendor, "total": len(records)}
    return world.templates.TemplateResponse(request, "events.html", context)


def describe_event(record: Document) -> Document:
    """Return a delivery with the label, colour and formatted body that its page shows."""
    label = record["outcome"]
    if label == "pending" and record["attempts"]:
        label = "retrying"
    words = {
        "label": label.capitalize(),
        "tone": TONES[label],
        "pretty": format_json(record["body"]),
    }
    return record | words


async def resend_from_page(world: World, request: Request) -> Response:
    """Send one webhook again and go back to the list."""
    fields = request_bodies.parse_form(await request.body())
    world.deliveries.resend(fields.get("id", ""))
    return RedirectResponse("/events", status_code=303)


async def render_http_error(world: World, request: Request, error: Exception) -> Response:
    """Render an unknown path or a wrong method, as a page for browsers and as JSON for programs."""
    assert isinstance(error, HTTPException)  # noqa: S101  for the type checker
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)
    context = {"status": error.status_code, "detail": error.detail}
    return world.templates.TemplateResponse(
        request, "error.html", context, error.status_code, error.headers
    )


def format_json(body: str) -> str:
    """Return indented JSON, or the text unchanged if it is not JSON."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def parse_instant(text: str) -> datetime:
    """Parse an ISO 8601 instant."""
    return datetime.fromisoformat(text)


def format_instant(text: str) -> str:
    """Format an instant for a person."""
    return parse_instant(text).strftime("%-d %b %Y, %H:%M:%S UTC")


def format_clock_offset(seconds: float) -> str:
    """Return how far the clock was moved, in the largest unit that fits."""
    for length, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return ""


def describe_attempt(document: Document) -> str:
    """Return how one attempt to deliver ended."""
    return f"HTTP {document['status']}" if "status" in document else str(document["error"])


def build_page_routes(world: World) -> list[BaseRoute]:
    """Return the routes of the pages."""
    world.templates.env.filters |= {"when": format_instant, "attempt": describe_attempt}
    pages = {
        "/": show_home,
        "/inbox": show_inbox,
        "/events": show_events,
        "/landing": landing.show_landing,
    }
    found = [Route(path, partial(page, world), methods=["GET"]) for path, page in pages.items()]
    return [*found, Route("/events/resend", partial(resend_from_page, world), methods=["POST"])]
