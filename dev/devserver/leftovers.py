"""Find and stop the programs of a killed run by a mark in their environment."""

import os
import signal
from contextlib import suppress

import psutil

from devserver import checkout

MARK = "DEVSERVER_RUN"
SECONDS = 5.0


def build_marked_environment() -> dict[str, str]:
    """Build the variable that marks every program of a run and its children."""
    return {MARK: str(checkout.ROOT)}


def end_leftovers() -> list[str]:
    """Stop the processes with this checkout's mark and return their names.

    Call it only while holding the run's lock.
    """
    found = [process for process in psutil.process_iter() if _carries_mark(process)]
    names = [process.name() for process in found if process.is_running()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in found:
            with suppress(psutil.Error):
                process.send_signal(number)
        _, found = psutil.wait_procs(found, timeout=SECONDS)
    return names


def _carries_mark(process: psutil.Process) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARK) == str(checkout.ROOT)
    except (psutil.Error, OSError):
        return False  # another account's
