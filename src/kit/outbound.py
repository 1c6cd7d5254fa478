"""Share error types, time limits and a circuit breaker among the vendors' clients.

VendorError
├── VendorUnavailable   try again later (503); the outcome may be unknown
├── VendorRejected      the vendor said no, with a code
└── VendorNotFound      the vendor knows no such thing
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
import structlog
from requests.adapters import HTTPAdapter

from kit import transactions
from kit.errors import Unavailable

Limits = tuple[float, float]

# Connect and read seconds. A person waits for a request; no one waits for a job.
REQUEST_TIMEOUTS_SECONDS: Limits = (1.0, 4.0)
JOB_TIMEOUTS_SECONDS: Limits = (5.0, 20.0)

MAX_WAIT_SECONDS = 1.0
MAX_CALLS_IN_FLIGHT = 3
# Longer than any healthy answer takes; a request's own limits end before it.
SLOW_CALL_SECONDS = 6.0

log = structlog.get_logger(__name__)

_limits: ContextVar[Limits] = ContextVar("vendor_limits", default=REQUEST_TIMEOUTS_SECONDS)


class VendorUnavailable(Unavailable):
    """The vendor does not answer.

    Wait as many seconds as `Retry-After` says. After a change, read first: it may have happened.

    `outcome_known` is False when the request may have been carried out.
    """

    def __init__(self, vendor: str, *, outcome_known: bool = True, retry_after: int = 5) -> None:
        super().__init__(
            f"{vendor.capitalize()} does not answer. Try again in a moment.",
            retry_after=retry_after,
            vendor=vendor,
        )
        self.vendor = vendor
        self.outcome_known = outcome_known


class VendorRejected(Exception):
    """Raised when the vendor refused, with its `code` and its `message` for logs only."""

    def __init__(self, vendor: str, *, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(f"{vendor}: {code}")
        self.vendor = vendor
        self.code = code
        self.message = message
        self.status = status


class VendorNotFound(Exception):
    """The vendor knows no such thing."""

    def __init__(self, vendor: str, *, code: str = "not_found") -> None:
        super().__init__(f"{vendor}: {code}")
        self.vendor = vendor
        self.code = code


class CalledInTransaction(RuntimeError):
    """A vendor was called while a database transaction was open."""


@contextmanager
def use_job_timeouts() -> Iterator[None]:
    """Allow vendor calls the time limits of a job."""
    token = _limits.set(JOB_TIMEOUTS_SECONDS)
    try:
        yield
    finally:
        _limits.reset(token)


class UnreadableAnswer(requests.RequestException):
    """Raised when an address answers as a wrong address or a proxy does, without JSON."""


class _VendorAdapter(HTTPAdapter):
    """Apply our time limits, since both SDKs would wait for 80 seconds or forever.

    Refuse an answer without JSON by status and address, of which both SDKs say nothing.
    """

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # noqa: ANN401 - requests' own
        options["timeout"] = _limits.get()
        response = super().send(request, **options)
        # A vendor's own gateway may answer 5xx with a page; the SDKs know that as unavailable.
        if response.status_code < 500:
            _require_json(response)
        return response


def _require_json(response: requests.Response) -> None:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip() or "no content type"
    if kind == "application/json":
        return
    response.close()
    address = response.url.partition("?")[0]
    log.error(
        "vendor_answer_unreadable",
        address=address,
        status=response.status_code,
        content_type=kind,
    )
    raise UnreadableAnswer(f"{address} answered {response.status_code} with {kind}, not JSON")


def describe_failure(error: VendorUnavailable) -> str:
    """Describe for an operator why a vendor is unavailable, with its address where it is known."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UnreadableAnswer):
            return f"{error.vendor.capitalize()}: {cause}. Check {error.vendor.upper()}_BASE_URL."
        if isinstance(cause, requests.RequestException) and cause.request is not None:
            address = (cause.request.url or "").partition("?")[0]
            return (
                f"{error.vendor.capitalize()} does not answer: {address}, {type(cause).__name__}."
            )
        cause = cause.__cause__ or cause.__context__
    return error.detail


def create_session() -> requests.Session:
    """Return a keep-alive session with our time limits, without retries and proxies."""
    session = requests.Session()
    session.trust_env = False  # a proxy of the environment would receive loopback traffic too
    adapter = _VendorAdapter(pool_maxsize=16)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class Bulkhead:
    """The only way to one vendor from this process.

    A web process has few threads. When a call hangs, or several are under way, the next callers
    are turned away at once, so that a vendor's trouble never becomes ours. Jobs pass, until one
    has hung: then one at a time asks, and the others leave their slots to other work.
    """

    def __init__(
        self,
        vendor: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        wait: float = MAX_WAIT_SECONDS,
    ) -> None:
        self.vendor = vendor
        self._clock = clock
        self._wait = wait
        self._lock = threading.Condition()
        self._started: dict[int, float] = {}
        self._next = 0
        self._is_suspect = False

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a place for one call. Raises VendorUnavailable, or CalledInTransaction."""
        if transactions.is_transaction_open():
            raise CalledInTransaction(self.vendor)
        ticket = self._admit()
        try:
            yield
        finally:
            with self._lock:
                started = self._started.pop(ticket)
                self._is_suspect = self._clock() - started > SLOW_CALL_SECONDS
                self._lock.notify()

    def _admit(self) -> int:
        with self._lock:
            is_request = _limits.get() is REQUEST_TIMEOUTS_SECONDS
            if is_request and not self._is_hanging():
                # A crowd before a vendor that answers moves on; only a jam turns people away.
                self._lock.wait_for(lambda: len(self._started) < MAX_CALLS_IN_FLIGHT, self._wait)
            if self._is_jammed() if is_request else self._is_suspect and self._started:
                raise VendorUnavailable(self.vendor)
            self._next += 1
            self._started[self._next] = self._clock()
            return self._next

    def _is_jammed(self) -> bool:
        return len(self._started) >= MAX_CALLS_IN_FLIGHT or self._is_hanging()

    def _is_hanging(self) -> bool:
        now = self._clock()
        return now - min(self._started.values(), default=now) > MAX_WAIT_SECONDS


_bulkheads: dict[str, Bulkhead] = {}
_bulkheads_lock = threading.Lock()


@contextmanager
def guard_call(vendor: str) -> Iterator[None]:
    """Guard one call to a vendor by its circuit breaker, as `with guard_call("stytch"):`."""
    with _bulkheads_lock:
        bulkhead = _bulkheads.setdefault(vendor, Bulkhead(vendor))
    with bulkhead.enter():
        yield
