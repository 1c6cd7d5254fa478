"""Detect changed source files, after which a run restarts its programs."""

from collections.abc import Iterator
from pathlib import Path

from devserver import checkout

Seen = dict[Path, int]


def list_sources() -> Seen:
    """Return when each source file of the product was last written."""
    return dict(_list_modified(checkout.ROOT / "src"))


def find_changed_source(before: Seen, after: Seen) -> Path | None:
    """Find one file that differs between two scans, relative to the checkout."""
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            return path.relative_to(checkout.ROOT)
    return None


def _list_modified(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*.py"):
        try:
            yield path, path.stat().st_mtime_ns
        except FileNotFoundError:  # an editor's moment between two names
            continue
