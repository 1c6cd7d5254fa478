"""File locks the kernel releases whenever their holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def hold_shared(path: Path) -> int:
    """Join the holders of a lock, waiting for an exclusive one to leave.

    Returns what holds it.
    """
    return _lock_file(path, fcntl.LOCK_SH)


def hold_exclusive(path: Path) -> int:
    """Wait until no one else holds the lock, then hold it alone."""
    return _lock_file(path, fcntl.LOCK_EX)


def try_hold_exclusive(path: Path, *, seconds: float = 0.5) -> int | None:
    """Hold the lock alone, or learn that someone has it (and was not merely asking)."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _lock_file(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return None
        time.sleep(0.02)


@contextmanager
def run_exclusively(path: Path) -> Iterator[None]:
    """One at a time through here."""
    held = hold_exclusive(path)
    try:
        yield
    finally:
        os.close(held)


def is_lock_held(path: Path) -> bool:
    """Whether anyone holds the lock at this moment."""
    try:
        held = _lock_file(path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    os.close(held)
    return False


def write_holder(held: int) -> None:
    """Write the holder's process id into its lock, for anyone who wants to ask it to leave."""
    os.ftruncate(held, 0)
    os.pwrite(held, str(os.getpid()).encode(), 0)


def read_holder(path: Path) -> int | None:
    """The process that signed a lock which is held right now."""
    if not path.exists() or not is_lock_held(path):
        return None
    text = path.read_text()
    return int(text) if text.isdecimal() else None


def _lock_file(path: Path, operation: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
