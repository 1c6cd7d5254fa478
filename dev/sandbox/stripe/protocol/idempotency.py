"""Replay the first outcome of a POST for a day to requests with the same idempotency key."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sandbox.clock import get_real_now
from sandbox.store import Document, Store
from sandbox.stripe.protocol.errors import StripeError

KIND = "stripe.idempotency"
KEPT_SECONDS = 24 * 3600
MAX_KEY_LENGTH = 255
MAX_KEYS = 20_000  # a load test must not fill the memory


@dataclass(frozen=True)
class Answer:
    """Hold a status and a body, and whether they are replayed."""

    status: int
    body: Document
    replayed: bool = False


class IdempotencyKeys:
    """Keep the first use of each idempotency key and its outcome."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[str] = set()

    def claim_key(self, key: str, fingerprint: str) -> Answer | None:
        """Claim a key, or return its stored answer.

        Raises:
            StripeError: The key is too long, in use, or was used with other parameters.
        """
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError("Idempotency keys have up to 255 characters.", stored=False)
        if key in self._running:
            raise StripeError(
                "There is currently another in-progress request using this Idempotent Key.",
                status=409,
                kind="idempotency_error",
                code="idempotency_key_in_use",
                stored=False,
            )
        found = self._find_fresh(key)
        if found is None:
            self._running.add(key)
            return None
        if found["fingerprint"] != fingerprint:
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were "
                "first used with. Try using a key other than "
                f"'{key}' if you meant to execute a different request.",
                kind="idempotency_error",
                stored=False,
            )
        return Answer(found["status"], found["body"], replayed=True)

    def store_answer(self, key: str, fingerprint: str, answer: Answer) -> None:
        """Store the answer of a key, errors included."""
        self._running.discard(key)
        record = {
            "key": key,
            "fingerprint": fingerprint,
            "status": answer.status,
            "body": answer.body,
        }
        self._store.put_document(KIND, key, record | {"at": get_real_now().timestamp()})
        if self._store.count_documents(KIND) > MAX_KEYS:
            self._prune()

    def release_key(self, key: str) -> None:
        """Release a claimed key whose request did no work."""
        self._running.discard(key)

    def _prune(self) -> None:
        ages = sorted((entry["at"], entry["key"]) for entry in self._store.list_documents(KIND))
        for _, key in ages[: MAX_KEYS // 2]:
            self._store.delete_document(KIND, key)

    def _find_fresh(self, key: str) -> Document | None:
        found = self._store.find_document(KIND, key)
        if found is None or get_real_now().timestamp() - found["at"] > KEPT_SECONDS:
            return None
        return found


def hash_request(method: str, path: str, params: dict[str, Any]) -> str:
    """Return a hash that two uses of one key must share."""
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
