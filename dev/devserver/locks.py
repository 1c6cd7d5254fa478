"""Take file locks, which the kernel releases when their holder ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def hold_shared(path: Path) -> int:
    """Share a lock, wait for an exclusive holder first, and return the descriptor."""
    return _lock_file(path, fcntl.LOCK_SH)


def hold_exclusive(path: Path) -> int:
    """Wait until a lock is free, hold it exclusively and return the descriptor."""
    return _lock_file(path, fcntl.LOCK_EX)


def try_hold_exclusive(path: Path, *, seconds: float = 0.5) -> int | None:
    """Try to hold a lock exclusively, and return the descriptor or None.

    It retries for a short time, because `is_lock_held` takes the lock for an instant.
    """
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
    """Hold a lock exclusively within a block."""
    held = hold_exclusive(path)
    try:
        yield
    finally:
        os.close(held)


def is_lock_held(path: Path) -> bool:
    """Return whether another process holds the lock exclusively."""
    try:
        held = _lock_file(path, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    os.close(held)
    return False


def write_holder(held: int) -> None:
    """Write this process's id into a held lock, so that others can signal it."""
    os.ftruncate(held, 0)
    os.pwrite(held, str(os.getpid()).encode(), 0)


def read_holder(path: Path) -> int | None:
    """Find the id of the process that holds a lock."""
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
