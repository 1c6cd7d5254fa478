"""A log of what the product asked of each vendor, for tests and for the curious."""

from collections import deque
from typing import Any
from urllib.parse import parse_qsl

from sandbox import bodies
from sandbox.clock import get_real_now

KEPT = 1000
HEADERS = ("content-type", "idempotency-key", "stripe-version", "user-agent")


class RequestLog:
    """The last thousand vendor requests, oldest first.

    Credentials are never kept.
    """

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

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
        """Remember one request.

        A status of None means the connection was cut.
        """
        entry: dict[str, Any] = {"vendor": vendor, "method": method, "path": path, "query": query}
        entry["body"] = format_body(body, headers.get("content-type", ""))
        entry["headers"] = {name: headers[name] for name in HEADERS if name in headers}
        self._entries.append(entry | {"status": status, "at": get_real_now().isoformat()})

    def entries(self, *, vendor: str | None = None) -> list[dict[str, Any]]:
        """Return the log, of one vendor if asked."""
        return [entry for entry in self._entries if vendor in {None, entry["vendor"]}]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def format_body(body: bytes, content_type: str) -> object:
    """Return a body the way a person would write it.

    JSON, form fields, or text.
    """
    text = body.decode(errors="replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return bodies.parse_json_body(body) if body else None
    except ValueError:
        return text
