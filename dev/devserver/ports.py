"""Choose free TCP ports and lease them from the other checkouts of this account."""

import os
import socket
from contextlib import closing
from pathlib import Path

from devserver import locks, place
from support.errors import Refusal

NEIGHBOURS = 50
LEASES = Path("/tmp") / f"tenantry-{os.geteuid()}-ports"  # noqa: S108  its owner is checked

_leases: list[int] = []  # held until this process ends


def lease_port(asked: str | None, *, usual: int) -> int:
    """Lease the requested port, else the default one or the next free one after it.

    A free port is bound by a program that starts later. Until then a lock keeps another `make run` from
    choosing it too.
    """
    if number := parse_port(asked):
        if not _try_lease(number):
            raise Refusal(f"Port {asked} is taken; choose another, or none and one is found.")
        return number
    for port in range(usual, usual + NEIGHBOURS):
        if _try_lease(port):
            return port
    raise Refusal(f"Ports {usual} to {usual + NEIGHBOURS - 1} are all taken.")


def parse_port(text: str | None) -> int | None:
    """Parse a port number, or return None for an empty text."""
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Refusal(f"{text!r} is not a port.")
    return int(text)


def is_port_free(port: int) -> bool:
    """Return whether a server can listen on a port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _try_lease(port: int) -> bool:
    LEASES.mkdir(mode=0o700, exist_ok=True)
    place.require_owner(LEASES, {os.geteuid()})
    held = locks.try_hold_exclusive(LEASES / str(port), seconds=0)
    if held is None:
        return False
    if not is_port_free(port):
        os.close(held)
        return False
    _leases.append(held)
    return True
