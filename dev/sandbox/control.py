"""Serve the control plane for tests, with JSON in and out and unknown fields refused."""

import re
from collections.abc import Mapping
from functools import partial
from types import UnionType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox import request_bodies
from sandbox.world import World

type Kind = type | UnionType

NUMBER = int | float
VENDORS = ("stytch", "stripe")
FAULTY = (*VENDORS, "mail")
FAULT: dict[str, Kind] = {
    "vendor": str,
    "path": str,
    "method": str,
    "status": int,
    "timeout": NUMBER,
    "drop": bool,
    "times": int,
    "after_effect": bool,
    "body": dict,
    "headers": dict,
}
DISORDER: dict[str, Kind] = {
    "duplicate": int,
    "delay": NUMBER,
    "shuffle": bool,
    "drop": NUMBER,
    "vendor": str,
}


class RefusedError(Exception):
    """A call of the control plane that is malformed or names something unknown."""

    def __init__(self, detail: str, *, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


async def render_refusal(_: Request, error: Exception) -> JSONResponse:
    """Render a refusal of the control plane as JSON."""
    assert isinstance(error, RefusedError)  # noqa: S101  for the type checker
    return JSONResponse({"error": error.detail}, status_code=error.status)


async def read_fields(
    request: Request, allowed: Mapping[str, Kind], *, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the fields of a JSON body after checking their names and types.

    Raises:
        RefusedError: The body is not a JSON object, or a field is unknown, missing or of another type.
    """
    try:
        body = request_bodies.parse_json_body(await request.body() or b"{}")
    except ValueError as error:
        raise RefusedError("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise RefusedError("The body must be a JSON object.")
    for name, value in body.items():
        if name not in allowed:
            raise RefusedError(f"Unknown field {name!r}; known are {', '.join(sorted(allowed))}.")
        # Python's True is an int; a test that writes true for a number is mistaken.
        truth = isinstance(value, bool) and allowed[name] is not bool
        if truth or not isinstance(value, allowed[name]):
            raise RefusedError(f"Field {name!r} has the wrong type.")
    for name in required:
        if name not in body:
            raise RefusedError(f"Field {name!r} is required.")
    return body


async def handle_faults(world: World, request: Request) -> JSONResponse:
    """List the fault rules, add one, or remove them all."""
    if request.method == "DELETE":
        world.faults.clear_rules()
    if request.method == "POST":
        rule = await read_fields(request, FAULT, required=("vendor", "path"))
        check_fault(rule)
        rule["path"] = rule["path"].removeprefix("/stripe")  # rules match the paths of the vendor
        return JSONResponse(world.faults.add_rule(**rule), status_code=201)
    return JSONResponse({"faults": world.faults.list_rules()})


def check_fault(rule: dict[str, Any]) -> None:
    """Refuse a fault rule that could never apply or has no effect."""
    check_vendor(rule, known=FAULTY)
    if not any(rule.get(name) for name in ("status", "timeout", "drop")):
        raise RefusedError("A fault needs one of status, timeout, drop.")
    if not 200 <= rule.get("status", 500) <= 599 or rule.get("times", 1) < 1:
        raise RefusedError("status must be 200 to 599, times at least 1.")
    try:
        re.compile(rule["path"])
    except re.error as error:
        raise RefusedError(f"path is neither a prefix nor a regular expression: {error}") from error


def check_vendor(fields: dict[str, Any], *, known: tuple[str, ...] = VENDORS) -> None:
    """Refuse a vendor that the sandbox does not serve."""
    if fields.get("vendor") not in {None, *known}:
        raise RefusedError(f"vendor must be one of {', '.join(known)}.")


async def handle_webhooks(world: World, request: Request) -> JSONResponse:
    """Show or set the disorder of outgoing webhooks, where fields left out are reset."""
    if request.method == "POST":
        knobs = await read_fields(request, DISORDER)
        check_vendor(knobs)
        if any(knobs.get(name, 0) < 0 for name in ("duplicate", "delay", "drop")):
            raise RefusedError("duplicate, delay and drop are not negative.")
        world.deliveries.set_disorder(**knobs)
    return JSONResponse(world.deliveries.get_disorder())


async def drain_webhooks(world: World, request: Request) -> JSONResponse:
    """Wait until no webhook is due within the given seconds."""
    fields = await read_fields(request, {"within": NUMBER})
    return JSONResponse({"pending": await world.deliveries.drain(within=fields.get("within", 0.5))})


async def list_deliveries(world: World, request: Request) -> JSONResponse:
    """List the webhooks sent, oldest first."""
    vendor = request.query_params.get("vendor")
    records = [r for r in world.deliveries.list_records() if vendor in {None, r["vendor"]}]
    return JSONResponse({"deliveries": records})


async def resend_webhook(world: World, request: Request) -> JSONResponse:
    """Send one webhook again."""
    fields = await read_fields(request, {"id": str}, required=("id",))
    if not world.deliveries.resend(fields["id"]):
        raise RefusedError("No such delivery.", status=404)
    return JSONResponse({"id": fields["id"]}, status_code=202)


async def list_requests(world: World, request: Request) -> JSONResponse:
    """List the requests the vendors received, oldest first."""
    vendor = request.query_params.get("vendor")
    return JSONResponse({"requests": world.log.list_entries(vendor=vendor)})


async def reset_sandbox(world: World, request: Request) -> JSONResponse:
    """Delete all state except the signing keys."""
    await read_fields(request, {})
    world.reset()
    return JSONResponse({"status": "reset", "kept": ["stytch signing keys"]})


async def show_clock(world: World, _: Request) -> JSONResponse:
    """Return the sandbox's time and its offset from real time."""
    return JSONResponse({"now": world.clock.now().isoformat(), "offset": world.clock.offset})


def build_control_routes(world: World) -> list[Route]:
    """Return the core's control routes, below `/_sandbox`."""
    table = {
        "/faults": (handle_faults, ["GET", "POST", "DELETE"]),
        "/webhooks": (handle_webhooks, ["GET", "POST"]),
        "/webhooks/drain": (drain_webhooks, ["POST"]),
        "/webhooks/deliveries": (list_deliveries, ["GET"]),
        "/webhooks/resend": (resend_webhook, ["POST"]),
        "/requests": (list_requests, ["GET"]),
        "/reset": (reset_sandbox, ["POST"]),
        "/clock": (show_clock, ["GET"]),
    }
    return [
        Route(path, partial(handler, world), methods=methods)
        for path, (handler, methods) in table.items()
    ]
