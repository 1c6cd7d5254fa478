"""Finds ports nobody listens on."""

import socket
from contextlib import closing

from support.errors import Refusal

NEIGHBOURS = 50


def choose(asked: str | None, *, usual: int) -> int:
    """Exactly the port asked for, or the usual one, or the first free one after it."""
    if number := read(asked):
        if not is_free(number):
            raise Refusal(f"Port {asked} is taken; choose another, or none and one is found.")
        return number
    for port in range(usual, usual + NEIGHBOURS):
        if is_free(port):
            return port
    raise Refusal(f"Ports {usual} to {usual + NEIGHBOURS - 1} are all taken.")


def read(text: str | None) -> int | None:
    """A port as a person wrote it, if they did."""
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Refusal(f"{text!r} is not a port.")
    return int(text)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
