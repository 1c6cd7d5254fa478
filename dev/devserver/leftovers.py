"""Recognises, by a mark in their environment, the programs a killed run has left behind."""

import os
import signal
from contextlib import suppress

import psutil

from devserver import checkout

MARK = "DEVSERVER_RUN"
SECONDS = 5.0


def build_marked_environment() -> dict[str, str]:
    """The mark every program of a run carries, and its children inherit."""
    return {MARK: str(checkout.ROOT)}


def end_leftovers() -> list[str]:
    """Stop what carries this checkout's mark.

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
