"""Store documents by kind and id in memory, written through to SQLite when given a path."""

import json
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

type Document = dict[str, Any]

TABLE = """
create table if not exists documents (
    position integer primary key, kind text not null, id text not null, body text not null, unique (kind, id)
)
"""
UPSERT = """
insert into documents (kind, id, body) values (?, ?, ?)
on conflict (kind, id) do update set body = excluded.body
"""


class Store:
    """Keep each document as JSON text, so that every reader gets its own copy.

    Writes become durable at `commit`, which the application calls before an answer is sent: one
    request is one transaction, and nothing that was answered is lost to `kill -9`.
    """

    def __init__(self, path: str = "") -> None:
        self._kinds: dict[str, dict[str, str]] = {}
        self._database = self._open(path) if path else None

    def _open(self, path: str) -> sqlite3.Connection:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # One event loop owns the store; the thread that built it may be another one in tests.
        database = sqlite3.connect(path, check_same_thread=False)
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = normal")
        database.execute(TABLE)
        for kind, id_, body in database.execute(
            "select kind, id, body from documents order by position"
        ):
            self._kinds.setdefault(kind, {})[id_] = body
        return database

    def put_document(self, kind: str, id: str, document: Document) -> None:  # noqa: A002  the vendors' word
        """Insert or replace a document, where a replaced one keeps its place in `all`."""
        body = json.dumps(document, separators=(",", ":"))
        self._kinds.setdefault(kind, {})[id] = body
        if self._database:
            self._database.execute(UPSERT, (kind, id, body))

    def find_document(self, kind: str, id: str) -> Document | None:  # noqa: A002
        """Return a copy of a document, or None."""
        body = self._kinds.get(kind, {}).get(id)
        return None if body is None else json.loads(body)

    def delete_document(self, kind: str, id: str) -> None:  # noqa: A002
        """Delete one document if it exists."""
        self._kinds.get(kind, {}).pop(id, None)
        if self._database:
            self._database.execute("delete from documents where kind = ? and id = ?", (kind, id))

    def list_documents(self, kind: str) -> list[Document]:
        """Return copies of a kind's documents in the order of first insertion."""
        return [json.loads(body) for body in self._kinds.get(kind, {}).values()]

    def list_kinds(self) -> list[str]:
        """Return the kinds that have documents."""
        return [kind for kind, documents in self._kinds.items() if documents]

    def list_ids(self, kind: str) -> list[str]:
        """Return a kind's ids in the order of first insertion."""
        return list(self._kinds.get(kind, {}))

    def count_documents(self, kind: str) -> int:
        """Count a kind's documents without copying them."""
        return len(self._kinds.get(kind, {}))

    def clear(self, *, keep: Collection[str] = ()) -> None:
        """Delete every document except those of the kinds to keep."""
        for kind in [kind for kind in self._kinds if kind not in keep]:
            del self._kinds[kind]
            if self._database:
                self._database.execute("delete from documents where kind = ?", (kind,))
        self.commit()

    def commit(self) -> None:
        """Make the writes so far durable."""
        if self._database and self._database.in_transaction:
            self._database.commit()

    def close(self) -> None:
        """Commit and close the database file."""
        self.commit()
        if self._database:
            self._database.close()
            self._database = None
