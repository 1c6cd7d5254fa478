"""Keep the embedded PostgreSQL running while at least one command holds its lock.

The holders share a file lock, which the kernel counts. A command that crashed, was killed or
passed the lock on to its children is counted correctly and leaves nothing to clean up.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time

from devserver import checkout, keeper, locks, place, postgres
from support.errors import Refusal

HIGH = 200  # above the numbers shell scripts use for files of their own
STOP_SECONDS = 30.0
LEAVE_SECONDS = 0.3  # by then the keeper has noticed that no one is left

_held: list[int] = []


def hold_server() -> None:
    """Have the server running from now until this process, and all it becomes, has ended."""
    checkout.make_state_folder()
    low = locks.hold_shared(checkout.USERS)
    _held.append(fcntl.fcntl(low, fcntl.F_DUPFD, HIGH))  # survives an exec
    os.close(low)
    with locks.run_exclusively(checkout.STARTING):
        if not locks.is_lock_held(checkout.KEEPER):
            _start_keeper()


def release_server() -> None:
    """Let go before the end.

    If no one else holds the server, return when it has stopped.
    """
    while _held:
        os.close(_held.pop())
    deadline = time.monotonic() + LEAVE_SECONDS
    while time.monotonic() < deadline:
        if locks.is_lock_held(
            checkout.USERS
        ):  # exclusively, that is by the keeper: we were the last
            _await_end(locks.read_holder(checkout.KEEPER))
            return
        time.sleep(0.02)


def is_held() -> bool:
    """Tell whether this process holds the embedded server."""
    return bool(_held)


def require_server() -> None:
    """Raise a Refusal when the held server has ended."""
    if _held and not locks.is_lock_held(checkout.KEEPER):
        raise Refusal(f"PostgreSQL has ended ({checkout.LOG}):\n{postgres.read_log_tail(10)}")


def build_urls() -> dict[str, str]:
    """Build the two database URLs of the product, for the web role and the owner role."""
    where = place.find_place()
    return {
        "DATABASE_URL": where.url(user=postgres.WEB, database=postgres.DATABASE),
        "DATABASE_OWNER_URL": where.url(user=postgres.OWNER, database=postgres.DATABASE),
    }


def stop_server() -> bool:
    """Stop the server even when it is in use, and return whether one ran."""
    pid = locks.read_holder(checkout.KEEPER)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    _await_end(pid)
    return True


def _await_end(keeper: int | None) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while locks.is_lock_held(checkout.KEEPER):
        if time.monotonic() >= deadline:
            raise Refusal(f"PostgreSQL does not stop; its keeper is process {keeper}.")
        time.sleep(0.02)


def _start_keeper() -> None:
    answer, asked = os.pipe()
    with checkout.LOG.open("ab") as log, os.fdopen(asked, "wb"):
        subprocess.run(
            [sys.executable, "-m", "devserver.keeper", str(asked)],
            check=True,
            pass_fds=[asked],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # Ctrl-C at the terminal is not for it
        )
    with os.fdopen(answer, "rb") as reader:
        said = reader.read()
    if said != keeper.READY:
        raise Refusal(
            said.decode() or f"The database's keeper failed:\n{postgres.read_log_tail(15)}"
        )
