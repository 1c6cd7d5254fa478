"""Log the product's requests to each vendor, for tests and for debugging."""

from collections import deque
from typing import Any
from urllib.parse import parse_qsl

from sandbox import request_bodies
from sandbox.clock import get_real_now

MAX_ENTRIES = 1000
LOGGED_HEADERS = ("content-type", "idempotency-key", "stripe-version", "user-agent")


class RequestLog:
    """Keep the last thousand vendor requests, oldest first and without credentials."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)

    def record(
        self,
        *,
        vendor: str,
        method: str,
        path: str,
        query: str,
        body: bytes,
        headers: dict[str, str],
        status: int | None,
    ) -> None:
        """Log one request, where a status of None means that the connection was cut."""
        entry: dict[str, Any] = {"vendor": vendor, "method": method, "path": path, "query": query}
        entry["body"] = format_body(body, headers.get("content-type", ""))
        entry["headers"] = {name: headers[name] for name in LOGGED_HEADERS if name in headers}
        self._entries.append(entry | {"status": status, "at": get_real_now().isoformat()})

    def list_entries(self, *, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return the log, optionally of one vendor."""
        return [entry for entry in self._entries if vendor in {None, entry["vendor"]}]

    def clear(self) -> None:
        """Delete all entries."""
        self._entries.clear()


def format_body(body: bytes, content_type: str) -> object:
    """Return a body in a readable form, which is JSON, form fields or text."""
    text = body.decode(errors="replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return request_bodies.parse_json_body(body) if body else None
    except ValueError:
        return text
