"""Apply requested faults, in which a vendor refuses, hangs or cuts the connection."""

import re
from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.store import Document, Store

KIND = "core.fault"

type Body = Callable[[int], Document]


class Faults:
    """Keep the fault rules that the middleware of each vendor applies, oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bodies: dict[str, Body] = {}
        self._ids = count(store.count_documents(KIND) + 1)

    def register_error_body(self, vendor: str, body: Body) -> None:
        """Register how a vendor's error body is built from a status, for rules without a body."""
        self._bodies[vendor] = body

    def build_body(self, rule: Document) -> Document:
        """Return the body of the answer that a rule with a status gives."""
        if rule["body"] is not None:
            return dict(rule["body"])
        make = self._bodies.get(rule["vendor"])
        return make(rule["status"]) if make else {"error": {"message": "Injected by the sandbox."}}

    def add_rule(self, **rule: Any) -> Document:  # noqa: ANN401  values were checked at the control
        """Add a rule and return it with its id."""
        id_ = f"fault-{next(self._ids)}"
        document: Document = {"id": id_, "vendor": None, "path": "", "method": None, "times": 1}
        document |= {"status": None, "timeout": None, "drop": False, "after_effect": False}
        document |= {"body": None, "headers": {}} | rule
        self._store.put_document(KIND, id_, document)
        return document

    def list_rules(self) -> list[Document]:
        """Return the rules that still apply at least once."""
        return self._store.list_documents(KIND)

    def clear_rules(self) -> None:
        """Remove every rule."""
        for rule in self.list_rules():
            self._store.delete_document(KIND, rule["id"])

    def take_rule(self, *, vendor: str, method: str, path: str) -> Document | None:
        """Return the first rule that matches a request and count it as used, or None."""
        if not self._store.count_documents(KIND):
            return None
        for rule in self.list_rules():
            if is_rule_matching(rule, vendor=vendor, method=method, path=path):
                self._count_use(rule)
                return rule
        return None

    def _count_use(self, rule: Document) -> None:
        left = rule["times"] - 1
        if left > 0:
            self._store.put_document(KIND, rule["id"], rule | {"times": left})
        else:
            self._store.delete_document(KIND, rule["id"])


def is_rule_matching(rule: Document, *, vendor: str, method: str, path: str) -> bool:
    """Return whether a rule matches a request by its vendor, method and path.

    The path of a rule is a prefix or a regular expression.
    """
    if rule["vendor"] not in {None, vendor} or rule["method"] not in {None, method}:
        return False
    return path.startswith(rule["path"]) or re.search(rule["path"], path) is not None
