"""Generate UUIDv7 primary keys, which sort by time (RFC 9562), and parse ids in text."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7, greater than the one before in this process."""
    global _last  # noqa: PLW0603 - monotonic counter of this process
    with _lock:
        # 48 bits of milliseconds and 12 bits of their fraction: the counter of RFC 9562, method 3.
        now = time.time_ns()
        stamp = (now // 1_000_000 << 12) | (now % 1_000_000 << 12) // 1_000_000
        _last = max(stamp, _last + 1)
        stamp = _last
    random = int.from_bytes(os.urandom(8)) & (2**62 - 1)
    return uuid.UUID(
        int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
    )


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the UUID that a text holds, or None for any other text."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
