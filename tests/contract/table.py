"""What the generated tests need to know of each app: names in paths, good bodies, foreign references.

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


def union(name):
    """Merge one constant of all apps, a dictionary or a set."""
    merged = (
        {}
        if name in {"NAMES", "SHARED_NAMES", "BODIES", "FOREIGN_FIELDS", "FOREIGN_FILTERS"}
        else set()
    )
    for app in APPS:
        merged |= getattr(app, name, type(merged)())
    return merged


# (tag, path parameter) -> which of an organization's things it names; others are named alike.
NAMES = union("NAMES")
# Path parameters that are the same for every organization, with a value.
SHARED_NAMES = union("SHARED_NAMES")
# Operations that need no session.
PUBLIC = union("PUBLIC")
# Operations that change an organization and are open to all its members.
FOR_EVERYBODY = union("FOR_EVERYBODY")
# A good body for each operation that takes one, about things that do not exist.
BODIES = union("BODIES")
# (operation, field of the body) -> which of an organization's things it names.
FOREIGN_FIELDS = union("FOREIGN_FIELDS")
SHARED_FIELDS = union("SHARED_FIELDS")
# (operation, query parameter) -> which of an organization's things it asks for.
FOREIGN_FILTERS = union("FOREIGN_FILTERS")
SHARED_FILTERS = union("SHARED_FILTERS") | {"limit", "cursor", "ordering"}


@dataclass(frozen=True)
class Owned:
    """The things of one organization that no other may see, by name."""

    things: dict

    def __getattr__(self, name):
        return self.things[name]

    def named(self, operation):
        """Return values for the operation's path, all of them this organization's."""
        return {name: self._value(operation, name) for name in operation.names}

    def _value(self, operation, name):
        if name in SHARED_NAMES:
            return SHARED_NAMES[name]
        return self.things[NAMES.get((operation.said["tags"][0], name), name)]
