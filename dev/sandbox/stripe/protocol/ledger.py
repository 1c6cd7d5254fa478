"""Collect one request's reads, writes and events before they are committed.

Nothing reaches the store before `commit`. A refusal in the middle leaves no trace, and a preview is the
real change on a ledger that is thrown away, so that it shows exactly what will be charged.
"""

from collections.abc import Iterator

from sandbox.store import Document
from sandbox.stripe.protocol.documents import copy_document
from sandbox.stripe.protocol.errors import build_missing_error
from sandbox.stripe.protocol.events import (
    Cause,
    ObjectChange,
    build_event_document,
    merge_change,
    publish_event,
)
from sandbox.world import World

INDEX = "stripe.index"
STATE = "stripe.state"


class Ledger:
    """Read and write documents by kind and id, at one fixed time."""

    def __init__(self, world: World, *, cause: Cause | None = None, now: int | None = None) -> None:
        self.world = world
        self.now = world.clock.timestamp() if now is None else now
        self.cause = cause or Cause()
        self._written: dict[tuple[str, str], Document | None] = {}
        self._facts: list[ObjectChange] = []

    # Reading

    def find_object(self, kind: str, id_: str) -> Document | None:
        """Return a copy of one object, or None."""
        return self._read(f"stripe.{kind}", id_)

    def get_object(self, kind: str, id_: str, *, param: str = "id") -> Document:
        """Return a copy of one object, or refuse as Stripe does.

        Raises:
            StripeError: The object does not exist, or a parameter names a deleted one.
        """
        found = self.find_object(kind, id_)
        if found is None or (found.get("deleted") and param != "id"):
            raise build_missing_error(kind.replace("_", " ").split(".")[-1], id_, param=param)
        return found

    def list_objects(self, kind: str) -> list[Document]:
        """Return every object of a kind, oldest first."""
        own = {id_: doc for (k, id_), doc in self._written.items() if k == f"stripe.{kind}"}
        found: list[Document] = []
        for stored in self.world.store.list_documents(f"stripe.{kind}"):
            current = own.pop(stored["id"]) if stored["id"] in own else stored
            if current is not None:
                found.append(copy_document(current))
        return found + [copy_document(doc) for doc in own.values() if doc is not None]

    def list_owned_objects(self, kind: str, owner: str) -> Iterator[Document]:
        """Yield the objects of a customer, subscription or invoice, oldest first."""
        for id_ in self._index(kind, owner):
            found = self.find_object(kind, id_)
            if found is not None:
                yield found

    def get_private_state(self, id_: str) -> Document:
        """Return the sandbox's private state of an object, which the API never shows."""
        return self._read(STATE, id_) or {}

    # Writing

    def add_object(
        self, doc: Document, *, owners: tuple[str, ...] = (), event: str | None = None
    ) -> None:
        """Insert an object and index it under its owners."""
        kind = doc["object"]
        self._written[f"stripe.{kind}", doc["id"]] = copy_document(doc)
        for owner in owners:
            ids = [*self._index(kind, owner), doc["id"]]
            self._written[INDEX, f"{kind}:{owner}"] = {"ids": ids}
        if event:
            self.record_event(event, doc)

    def save_object(self, doc: Document, *, event: str | None = None) -> None:
        """Replace an object, and record an event only if something changed."""
        kind = f"stripe.{doc['object']}"
        before = self._read(kind, doc["id"])
        if before == doc:
            return
        self._written[kind, doc["id"]] = copy_document(doc)
        if event:
            merge_change(self._facts, ObjectChange(event, copy_document(doc), before))

    def remove_object(self, doc: Document, *, event: str | None = None) -> None:
        """Delete an object."""
        self._written[f"stripe.{doc['object']}", doc["id"]] = None
        if event:
            self.record_event(event, doc)

    def save_private_state(self, id_: str, **state: object) -> None:
        """Save private state of an object, which the API never shows."""
        self._written[STATE, id_] = self.get_private_state(id_) | state

    def record_event(self, event: str, doc: Document, *, before: Document | None = None) -> None:
        """Record an event about an object as it is now, separate from its other changes."""
        self._facts.append(ObjectChange(event, copy_document(doc), before))

    def replace_event_object(self, event: str, doc: Document) -> None:
        """Replace the object of an earlier event and keep the event's place in the order."""
        for fact in self._facts:
            if fact.key == (event, doc["id"]):
                fact.object = copy_document(doc)

    def commit(self) -> None:
        """Write everything and publish the events in the order they happened."""
        for (kind, id_), doc in self._written.items():
            if doc is None:
                self.world.store.delete_document(kind, id_)
            else:
                self.world.store.put_document(kind, id_, doc)
        for fact in self._facts:
            publish_event(self.world, build_event_document(fact, cause=self.cause, now=self.now))
        self._written, self._facts = {}, []

    def _index(self, kind: str, owner: str) -> list[str]:
        return list((self._read(INDEX, f"{kind}:{owner}") or {"ids": []})["ids"])

    def _read(self, kind: str, id_: str) -> Document | None:
        if (kind, id_) in self._written:
            return copy_document(self._written[kind, id_])
        return self.world.store.find_document(kind, id_)
