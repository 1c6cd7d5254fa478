"""Keep PostgreSQL running while commands of this checkout hold it, and then stop it."""

import os
import signal
import sys
from types import FrameType

from devserver import checkout, locks, place, postgres
from support.errors import Refusal

READY = b"ready"


def main() -> None:
    """Start the server, report to the starting command, and stop after the last holder."""
    if os.fork():
        os._exit(0)  # orphaned on purpose: the command that asked need not wait for it later
    asked = int(sys.argv[1])
    held = locks.try_hold_exclusive(checkout.KEEPER, seconds=5)
    if held is None:
        return
    locks.write_holder(held)
    try:
        keep_server(asked)
    except Refusal as refusal:
        os.write(asked, str(refusal).encode())
    finally:
        os.close(held)  # before the users' lock: anyone who gets that one must find no keeper


def keep_server(asked: int) -> None:
    """Run the server until no command holds the users' lock."""
    where = place.find_place()
    server = postgres.start_server(where)
    try:
        postgres.create_roles_and_database(where)
        signal.signal(signal.SIGTERM, _stop_if_unused)
        signal.signal(
            signal.SIGCHLD, _stop_if_unused
        )  # a server that died by itself is nothing to keep
        os.write(asked, READY)
        os.close(asked)
        locks.hold_exclusive(checkout.USERS)
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        postgres.shut_down_server(server)


def _stop_if_unused(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


if __name__ == "__main__":
    main()
