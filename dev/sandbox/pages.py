"""The pages for people: what is here, mails sent, webhooks sent."""

import json
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox import bodies, landing, mail
from sandbox.store import Document
from sandbox.stytch import credentials
from sandbox.world import World

SHOWN = 100
TONES = {
    "delivered": "good",
    "pending": "info",
    "retrying": "warn",
    "failed": "bad",
    "dropped": "warn",
}


async def home(world: World, request: Request) -> Response:
    """Say what is here."""
    outcomes = [record["outcome"] for record in world.deliveries.records()]
    return world.templates.TemplateResponse(
        request,
        "home.html",
        {
            "step": landing.described(world, landing.BEGIN),
            "mails": world.store.count(mail.KIND),
            "events": len(outcomes),
            "troubled": sum(outcome in {"failed", "dropped"} for outcome in outcomes),
            "asked": len(world.log.entries()),
            "ahead": ahead(world.clock.offset),
            "faults": len(world.faults.rules()),
        },
    )


async def inbox(world: World, request: Request) -> Response:
    """Show the mails, newest first, to one address if asked."""
    email = request.query_params.get("email", "").strip()
    now = world.clock.now()
    mails = [
        sent
        | {
            "expired": bool(sent["expires_at"]) and moment(sent["expires_at"]) <= now,
            "used": credentials.is_used(world, sent["token"] or ""),
        }
        for sent in mail.find(world, email=email)[:SHOWN]
    ]
    return world.templates.TemplateResponse(request, "inbox.html", {"mails": mails, "email": email})


async def events(world: World, request: Request) -> Response:
    """Show the webhooks sent, newest first."""
    vendor = request.query_params.get("vendor", "")
    records = [r for r in world.deliveries.records() if vendor in {"", r["vendor"]}]
    shown = [described(record) for record in records[::-1][:SHOWN]]
    context = {"events": shown, "vendor": vendor, "total": len(records)}
    return world.templates.TemplateResponse(request, "events.html", context)


def described(record: Document) -> Document:
    """Return a delivery with the words and the colour a person reads."""
    label = record["outcome"]
    if label == "pending" and record["attempts"]:
        label = "retrying"
    words = {"label": label.capitalize(), "tone": TONES[label], "pretty": pretty(record["body"])}
    return record | words


async def resend(world: World, request: Request) -> Response:
    """Send one webhook again, and go back to the list."""
    fields = bodies.form(await request.body())
    world.deliveries.resend(fields.get("id", ""))
    return RedirectResponse("/events", status_code=303)


def pretty(body: str) -> str:
    """Return JSON with room to breathe; anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def moment(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text)


def when(text: str) -> str:
    """Write an instant for a person."""
    return moment(text).strftime("%-d %b %Y, %H:%M:%S UTC")


def ahead(seconds: float) -> str:
    """Say how far the clock was moved, in the largest unit that fits."""
    for length, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return ""


def attempt(document: Document) -> str:
    """Say how one try to deliver went."""
    return f"HTTP {document['status']}" if "status" in document else str(document["error"])


def routes(world: World) -> list[BaseRoute]:
    """Return the pages."""
    world.templates.env.filters |= {"when": when, "attempt": attempt}
    pages = {"/": home, "/inbox": inbox, "/events": events, "/landing": landing.landing}
    found = [Route(path, partial(page, world), methods=["GET"]) for path, page in pages.items()]
    return [*found, Route("/events/resend", partial(resend, world), methods=["POST"])]
