"""End a process when its parent ends, on Linux."""

import ctypes
import signal
import sys
from collections.abc import Callable

SET_PARENT_DEATH_SIGNAL = 1  # prctl(2): PR_SET_PDEATHSIG


def die_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to signal this process when its parent ends, even by `kill -9`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0)


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return a function that calls `die_with_parent` in a child between fork and exec."""
    return lambda: die_with_parent(number)
