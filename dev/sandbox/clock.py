"""Keep the sandbox's clock, which is real time plus an offset that tests move forward."""

from datetime import UTC, datetime, timedelta

from sandbox.store import Store

KIND = "core.clock"


def get_real_now() -> datetime:
    """Return the real time, which signatures and tokens are stamped with."""
    return datetime.now(UTC)


class Clock:
    """Decide when links, sessions, trials and periods end, with a time that never moves back."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def offset(self) -> float:
        """Return the seconds by which the sandbox is ahead of real time."""
        return float((self._store.find_document(KIND, "offset") or {"seconds": 0})["seconds"])

    def now(self) -> datetime:
        """Return the sandbox's time, aware and in UTC."""
        return get_real_now() + timedelta(seconds=self.offset)

    def timestamp(self) -> int:
        """Return the sandbox's time as whole Unix seconds."""
        return int(self.now().timestamp())

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        The caller has to run the vendors' due work afterwards.
        """
        if seconds < 0:
            raise ValueError("The clock only moves forward.")
        self._store.put_document(KIND, "offset", {"seconds": self.offset + seconds})
