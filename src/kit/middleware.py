"""Middleware for the request id, the client address, the access log and the body limit."""

import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from time import perf_counter
from typing import Final

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, UnreadablePostError

from kit import actor, ids, problems
from kit.errors import ContentTooLarge, LengthRequired, Problem

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

REQUEST_ID_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
USER_AGENT_LIMIT: Final = 300
PROBE_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})

log = structlog.get_logger(__name__)


class RequestId:
    """Gives each request an id that its logs, problems, jobs and events share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Keep the caller's request id if it is valid, and return the id with the response."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if REQUEST_ID_PATTERN.fullmatch(given) else str(ids.uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]  # Django's way to carry values
        unknown = actor.Actor(
            ip=get_client_ip(request),
            user_agent=printable(request.headers.get("User-Agent", ""))[:USER_AGENT_LIMIT],
            request_id=request_id,
        )
        with actor.act_as(unknown), structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._answer(request)
        response["X-Request-Id"] = request_id
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        # Without the query: it may hold an address or a token.
        level = log.debug if request.path in PROBE_PATHS else log.info
        level(
            "request_finished",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round((perf_counter() - started) * 1000, 1),
        )
        return response


class BodyLimit:
    """Refuses a body that is longer than we read, or of unknown length, before anyone reads it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse with 413 by Content-Length, or with 411 without one."""
        # WSGI gives chunked bodies no length, and Django would read them as empty.
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            return self._refuse(LengthRequired("Send a Content-Length."), request)
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        announced = request.META.get("CONTENT_LENGTH") or "0"
        if announced.isdecimal() and int(announced[:20]) > limit:
            return self._refuse(ContentTooLarge(f"Send at most {limit} bytes."), request)
        response = self.get_response(request)
        # What a refusal left unread makes the server hang up without a word, and the client's next
        # request on that connection is lost.
        with suppress(UnreadablePostError):
            request.read()
        return response

    def _refuse(self, problem: Problem, request: HttpRequest) -> HttpResponseBase:
        response = problems.render_problem(problem, request)
        # The body stays unread, so the next request on this connection would be taken for it.
        response["Connection"] = "close"
        return response


def get_client_ip(request: HttpRequest) -> str:
    """Return the address seen by the outermost of TRUSTED_PROXIES, ignoring what clients claim."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    chain = [*(part for part in forwarded if part.strip()), request.META.get("REMOTE_ADDR") or ""]
    seen = chain[-min(settings.TRUSTED_PROXIES + 1, len(chain))]
    return _normalize_ip(seen) or _normalize_ip(chain[-1])


def printable(text: str) -> str:
    """Return `text` without control characters, which PostgreSQL and logs cannot hold."""
    return "".join(character for character in text if character.isprintable())


def _normalize_ip(text: str) -> str:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
