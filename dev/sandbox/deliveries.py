"""Send webhooks to the product after the answer, signed and retried, in disorder on demand."""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, cast

import httpx

from sandbox.clock import get_real_now
from sandbox.store import Document, Store

log = logging.getLogger(__name__)

type Vendor = Literal["stytch", "stripe"]
type Sign = Callable[[bytes, datetime], dict[str, str]]

KIND = "core.delivery"
DISORDER = "core.disorder"
NO_DISORDER: Document = {"duplicate": 0, "delay": 0.0, "shuffle": False, "drop": 0, "vendor": None}
RETRY_DELAYS_SECONDS = (0.2, 1.0, 5.0, 30.0)
ANSWER_DELAY_SECONDS = 0.005  # the answer that caused an event is sent first
SHUFFLE_WINDOW_SECONDS = 0.4
MAX_RECORDS = 2000
TIMEOUT_SECONDS = 15.0


class Deliveries:
    """Queue webhooks and keep one record per copy sent, for the events page and for resending.

    Copies to one vendor's endpoint are sent one at a time and in order, unless disorder is set.
    """

    def __init__(self, store: Store, *, webhook_base: str) -> None:
        self._store = store
        self._base = webhook_base.rstrip("/")
        self._signers: dict[str, Callable[[str], Sign]] = {}
        self._signs: dict[str, Sign] = {}
        self._due: dict[asyncio.Task[None], float] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._client: httpx.AsyncClient | None = None

    # What vendors call

    def register(self, vendor: Vendor, signer: Callable[[str], Sign]) -> None:
        """Register how a vendor signs an event by id, for copies that outlive a restart."""
        self._signers[vendor] = signer

    def send(self, *, vendor: Vendor, event_id: str, type: str, body: bytes, sign: Sign) -> None:  # noqa: A002
        """Queue an event, which is signed with the real time when it is sent."""
        disorder = self.get_disorder(vendor)
        self._signs[event_id] = sign
        dropped = self._take_drop(disorder)
        for copy in range(1 + int(disorder["duplicate"])):
            id_ = event_id if copy == 0 else f"{event_id}#{copy + 1}"
            record: Document = {"id": id_, "event_id": event_id, "vendor": vendor, "type": type}
            record |= {"body": body.decode(), "created_at": get_real_now().isoformat()}
            record |= {"attempts": [], "outcome": "dropped" if dropped else "pending"}
            self._store.put_document(KIND, id_, record)
            if not dropped:
                jitter = random.uniform(0, SHUFFLE_WINDOW_SECONDS) if disorder["shuffle"] else 0  # noqa: S311
                self._start(id_, float(disorder["delay"]) + jitter + ANSWER_DELAY_SECONDS)
        self._prune()

    # Disorder

    def get_disorder(self, vendor: str | None = None) -> Document:
        """Return the disorder settings in force, for one vendor if named."""
        knobs = self._store.find_document(DISORDER, "knobs") or dict(NO_DISORDER)
        return knobs if vendor is None or knobs["vendor"] in {None, vendor} else dict(NO_DISORDER)

    def set_disorder(self, **knobs: Any) -> Document:  # noqa: ANN401  values were checked at the control
        """Set the disorder, where settings left out are reset."""
        self._store.put_document(DISORDER, "knobs", NO_DISORDER | knobs)
        return self.get_disorder()

    def _take_drop(self, disorder: Document) -> bool:
        drop = disorder["drop"]
        if isinstance(drop, float):
            return random.random() < drop  # noqa: S311  not a secret
        if drop:
            self._store.put_document(DISORDER, "knobs", disorder | {"drop": drop - 1})
        return bool(drop)

    # What control and pages call

    def list_records(self) -> list[Document]:
        """Return every copy kept, oldest first."""
        return self._store.list_documents(KIND)

    def resend(self, delivery_id: str) -> bool:
        """Send one copy again now, or return False if its id is unknown."""
        record = self._store.find_document(KIND, delivery_id)
        if record is None:
            return False
        self._store.put_document(KIND, delivery_id, record | {"outcome": "pending"})
        self._start(delivery_id, ANSWER_DELAY_SECONDS)
        return True

    async def drain(self, *, within: float = 0.5, limit: float = 30.0) -> int:
        """Wait until nothing is due within so many seconds and return how many are still pending."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        while loop.time() < deadline and any(d <= loop.time() + within for d in self._due.values()):
            await asyncio.sleep(0.01)
        return len(self._due)

    # Start and stop

    def resume(self) -> None:
        """Schedule the deliveries that were pending when the process last stopped."""
        for record in self.list_records():
            if record["outcome"] == "pending":
                self._start(record["id"], ANSWER_DELAY_SECONDS)

    def cancel_all(self) -> None:
        """Cancel every queued delivery and leave its record in the store."""
        for task in self._due:
            task.cancel()
        self._signs.clear()

    async def close(self) -> None:
        """Cancel the queued deliveries and close the HTTP client."""
        self.cancel_all()
        await asyncio.gather(*self._due, return_exceptions=True)
        if self._client:
            await self._client.aclose()

    # Sending

    def _start(self, id_: str, delay: float) -> None:
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._deliver(id_, delay), name=id_)
        self._due[task] = loop.time() + delay
        task.add_done_callback(self._handle_task_end)

    def _handle_task_end(self, task: asyncio.Task[None]) -> None:
        """Remove a finished task from the queue and record a failure if it raised an error."""
        del self._due[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("A delivery failed with an unexpected error.", exc_info=error)
            self._record_attempt(task.get_name(), build_failed_attempt(get_real_now(), error))
            self._set_outcome(task.get_name(), "failed")

    async def _deliver(self, id_: str, delay: float) -> None:
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[None]", asyncio.current_task())
        for wait in (delay, *RETRY_DELAYS_SECONDS):
            self._due[task] = loop.time() + wait
            await asyncio.sleep(wait)
            record = self._store.find_document(KIND, id_)
            if record is None:
                return
            async with self._locks.setdefault(record["vendor"], asyncio.Lock()):
                attempt = await self._attempt(record)
            if self._record_attempt(id_, attempt) == "delivered":
                return
        self._set_outcome(id_, "failed")

    async def _attempt(self, record: Document) -> Document:
        at = get_real_now()
        body = record["body"].encode()
        headers = {"Content-Type": "application/json", "User-Agent": f"sandbox-{record['vendor']}"}
        try:
            headers |= self._sign(record)(body, at)
            url = f"{self._base}/{record['vendor']}"
            answer = await self._http().post(url, content=body, headers=headers)
        except (httpx.HTTPError, LookupError) as error:
            return build_failed_attempt(at, error)
        return {"at": at.isoformat(), "status": answer.status_code}

    def _record_attempt(self, id_: str, attempt: Document) -> str:
        record = self._store.find_document(KIND, id_)
        if record is None:
            return "delivered"
        record["attempts"].append(attempt)
        record["outcome"] = "delivered" if 200 <= attempt.get("status", 0) < 300 else "pending"
        self._store.put_document(KIND, id_, record)
        self._store.commit()
        return str(record["outcome"])

    def _set_outcome(self, id_: str, outcome: str) -> None:
        if record := self._store.find_document(KIND, id_):
            self._store.put_document(KIND, id_, record | {"outcome": outcome})
            self._store.commit()

    def _sign(self, record: Document) -> Sign:
        known = self._signs.get(record["event_id"])
        return known or self._signers[record["vendor"]](record["event_id"])

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        return self._client

    def _prune(self) -> None:
        if self._store.count_documents(KIND) <= MAX_RECORDS:
            return
        settled = [record for record in self.list_records() if record["outcome"] != "pending"]
        for record in settled[: MAX_RECORDS // 2]:
            self._store.delete_document(KIND, record["id"])
            self._signs.pop(record["event_id"], None)


def build_failed_attempt(at: datetime, error: BaseException) -> Document:
    """Return an attempt that got no answer."""
    return {"at": at.isoformat(), "error": f"{type(error).__name__}: {error}"}
