"""Choose free TCP ports."""

import socket
from contextlib import closing

from support.errors import Refusal

NEIGHBOURS = 50


def choose_port(asked: str | None, *, usual: int) -> int:
    """Choose the requested port, else the default one or the next free one after it."""
    if number := parse_port(asked):
        if not is_port_free(number):
            raise Refusal(f"Port {asked} is taken; choose another, or none and one is found.")
        return number
    for port in range(usual, usual + NEIGHBOURS):
        if is_port_free(port):
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
