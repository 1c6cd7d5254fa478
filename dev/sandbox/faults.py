"""Faults on request.

A vendor that refuses, hangs, or breaks off, before or after it did the work.
"""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.store import Document, Store

KIND = "core.fault"

type Body = Callable[[int], Document]


class Faults:
    """Rules the gate of each vendor asks, in the order they were made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bodies: dict[str, Body] = {}
        self._ids = count(store.count(KIND) + 1)

    def shape(self, vendor: str, body: Body) -> None:
        """Say what a vendor's error looks like for a status, when a rule gives no body."""
        self._bodies[vendor] = body

    def body(self, rule: Document) -> Document:
        """Return what a status rule answers."""
        if rule["body"] is not None:
            return dict(rule["body"])
        make = self._bodies.get(rule["vendor"])
        return make(rule["status"]) if make else {"error": {"message": "Injected by the sandbox."}}

    def add(self, **rule: Any) -> Document:  # noqa: ANN401  values were checked at the control
        """Add a rule and return it with its id."""
        id_ = f"fault-{next(self._ids)}"
        document: Document = {"id": id_, "vendor": None, "path": "", "method": None, "times": 1}
        document |= {"status": None, "timeout": None, "drop": False, "after_effect": False}
        document |= {"body": None, "headers": {}} | rule
        self._store.put(KIND, id_, document)
        return document

    def rules(self) -> list[Document]:
        """Return the rules that still have times left."""
        return self._store.all(KIND)

    def clear(self) -> None:
        """Remove every rule."""
        for rule in self.rules():
            self._store.delete(KIND, rule["id"])

    def take(self, *, vendor: str, method: str, path: str) -> Document | None:
        """Return the first rule that fits and use it up once.

        None when all is well.
        """
        if not self._store.count(KIND):
            return None
        for rule in self.rules():
            if is_rule_matching(rule, vendor=vendor, method=method, path=path):
                self._use(rule)
                return rule
        return None

    def _use(self, rule: Document) -> None:
        left = rule["times"] - 1
        if left > 0:
            self._store.put(KIND, rule["id"], rule | {"times": left})
        else:
            self._store.delete(KIND, rule["id"])


def is_rule_matching(rule: Document, *, vendor: str, method: str, path: str) -> bool:
    """Return whether a rule speaks of this request.

    Its path is a prefix or a regular expression.
    """
    if rule["vendor"] not in {None, vendor} or rule["method"] not in {None, method}:
        return False
    return path.startswith(rule["path"]) or re.search(rule["path"], path) is not None
