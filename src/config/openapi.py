"""The names and tags of the OpenAPI document, collected from each app's `openapi.py`.

Every set of choices has a name, so that no generated client contains `Status9f3Enum`.
"""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any


def collect(apps: Iterable[str]) -> dict[str, Any]:
    """Return the settings of drf-spectacular that the apps declare, with tags in the apps' order."""
    enums: dict[str, str | list[str]] = {}
    tags: dict[str, str] = {}
    for app in apps:
        if find_spec(app) and find_spec(f"{app}.openapi"):
            declared = import_module(f"{app}.openapi")
            enums |= getattr(declared, "ENUM_NAMES", {})
            tags |= getattr(declared, "TAGS", {})
    return {
        "ENUM_NAME_OVERRIDES": enums,
        "TAGS": [{"name": name, "description": text} for name, text in tags.items()],
    }
