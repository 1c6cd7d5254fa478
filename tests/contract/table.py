"""Collect what the generated tests need to call each app: ids, bodies, foreign references.

Each app's rows are in `tests/<app>/contract.py`; every constant below is the union over the apps. An
operation with a path parameter, a filter or a body that no app declares makes the tests fail.
"""

from dataclasses import dataclass
from importlib import import_module

from tests.harness.plugin import ROOT

UNKNOWN = "01890000-0000-7000-8000-000000000000"

APPS = [
    import_module(f"tests.{path.parent.name}.contract")
    for path in sorted((ROOT / "tests").glob("*/contract.py"))
]


def merge_constants(name):
    """Merge one constant of all apps, a dictionary or a set."""
    merged = (
        {}
        if name
        in {"NAMES", "SHARED_NAMES", "BODIES", "QUERIES", "FOREIGN_FIELDS", "FOREIGN_FILTERS"}
        else set()
    )
    for app in APPS:
        merged |= getattr(app, name, type(merged)())
    return merged


# (tag, path parameter) -> the name of an organization's row; others have the parameter's name.
NAMES = merge_constants("NAMES")
# Path parameters that are the same for every organization, with a value.
SHARED_NAMES = merge_constants("SHARED_NAMES")
# Operations that need no session.
PUBLIC = merge_constants("PUBLIC")
# Operations that change an organization and are open to all its members.
OPEN_TO_MEMBERS = merge_constants("OPEN_TO_MEMBERS")
# A valid body for each operation that takes one, with ids that do not exist.
BODIES = merge_constants("BODIES")
# A valid query for each operation that requires one.
QUERIES = merge_constants("QUERIES")
# (operation, field of the body) -> the name of an organization's row.
FOREIGN_FIELDS = merge_constants("FOREIGN_FIELDS")
SHARED_FIELDS = merge_constants("SHARED_FIELDS")
# (operation, query parameter) -> the name of an organization's row.
FOREIGN_FILTERS = merge_constants("FOREIGN_FILTERS")
SHARED_FILTERS = merge_constants("SHARED_FILTERS") | {"limit", "cursor", "ordering"}


@dataclass(frozen=True)
class Owned:
    """Hold ids of one organization's rows by name."""

    ids: dict

    def __getattr__(self, name):
        return self.ids[name]

    def build_path_values(self, operation):
        """Return values for the operation's path, all of them this organization's."""
        return {name: self._value(operation, name) for name in operation.names}

    def _value(self, operation, name):
        if name in SHARED_NAMES:
            return SHARED_NAMES[name]
        return self.ids[NAMES.get((operation.document["tags"][0], name), name)]
