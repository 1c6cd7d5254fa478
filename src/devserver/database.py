"""The embedded PostgreSQL as commands see it: hold it, and it runs until the last holder is gone.

Who holds it is a file lock, so that the kernel counts: a command that crashed, was killed or
passed the lock on to its children is counted rightly, and nothing has to be cleaned up after it.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time

from devserver import checkout, keeper, locks, place, postgres
from devserver.errors import Refusal

HIGH = 200  # above the numbers shell scripts use for files of their own
STOP_SECONDS = 30.0


def hold() -> None:
    """Have the server running from now until this process, and all it becomes, has ended."""
    checkout.prepare()
    held = locks.share(checkout.USERS)
    fcntl.fcntl(held, fcntl.F_DUPFD, HIGH)  # inherited by what this process starts
    os.close(held)
    with locks.alone(checkout.STARTING):
        if not locks.is_held(checkout.KEEPER):
            _start_keeper()


def urls() -> dict[str, str]:
    """The two addresses the product knows: its own rights, and the owner's."""
    where = place.find()
    return {
        "DATABASE_URL": where.url(user=postgres.WEB, database=postgres.DATABASE),
        "DATABASE_OWNER_URL": where.url(user=postgres.OWNER, database=postgres.DATABASE),
    }


def stop() -> bool:
    """Stop the server whoever uses it; says whether there was one."""
    pid = locks.holder(checkout.KEEPER)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while locks.is_held(checkout.KEEPER):
        if time.monotonic() >= deadline:
            raise Refusal(f"PostgreSQL does not stop; its keeper is process {pid}.")
        time.sleep(0.05)
    return True


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
        raise Refusal(said.decode() or f"The database's keeper failed:\n{postgres.tail(15)}")
