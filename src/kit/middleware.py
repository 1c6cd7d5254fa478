"""The outermost layers of a request: its id and caller, its line in the log, its size."""

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

SAFE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
USER_AGENT_LIMIT: Final = 300
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})

log = structlog.get_logger(__name__)


class RequestId:
    """Gives each request an id that its logs, problems, jobs and events share."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Keep a caller's id if it is harmless; answer with it in every case."""
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SAFE_ID.fullmatch(given) else str(ids.uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]  # Django's way to carry values
        unknown = actor.Caller(
            ip=client_ip(request),
            user_agent=printable(request.headers.get("User-Agent", ""))[:USER_AGENT_LIMIT],
            request_id=request_id,
        )
        with actor.use(unknown), structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._answer(request)
        response["X-Request-Id"] = request_id
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        # Without the query: it may hold an address or a token.
        level = log.debug if request.path in PROBES else log.info
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
        """413 by Content-Length, 411 without one; the JSON parser counts bytes for itself."""
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
        response = problems.render(problem, request)
        # The body stays unread, so the next request on this connection would be taken for it.
        response["Connection"] = "close"
        return response


def client_ip(request: HttpRequest) -> str:
    """The address the outermost of TRUSTED_PROXIES saw; what clients claim beyond it is ignored."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    chain = [*(part for part in forwarded if part.strip()), request.META.get("REMOTE_ADDR") or ""]
    seen = chain[-min(settings.TRUSTED_PROXIES + 1, len(chain))]
    return _normal(seen) or _normal(chain[-1])


def printable(text: str) -> str:
    """`text` without control characters, which neither PostgreSQL nor a log line may hold."""
    return "".join(character for character in text if character.isprintable())


def _normal(text: str) -> str:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
