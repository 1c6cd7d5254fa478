"""`python -m devserver run | with -- COMMAND | token | stop`."""

import argparse
import os
import signal
import sys
import time

from devserver import checkout, database, environment, leftovers, locks
from devserver.errors import Refusal
from devserver.parent import die_with_parent
from devserver.run import MANAGE, run

STOP_SECONDS = 15.0


def main() -> int:
    """Do what the command line says; a refusal is one sentence and status 1."""
    arguments, rest = _parser().parse_known_args()
    command = rest[1:] if rest[:1] == ["--"] else rest
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # a killed make takes its command along
    try:
        match arguments.word:
            case "run":
                return run(command)
            case "with":
                become(command)
            case "token":
                token(command)
            case "stop":
                stop()
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename}: made by another account; run as that one.", file=sys.stderr)
        return 1
    return 0


def become(command: list[str]) -> None:
    """Turn into a command which finds the database running and every variable set."""
    given = environment.given()
    told = environment.complete(given, environment.named_addresses(given))
    if not command:
        raise Refusal("Say what to run: python -m devserver with -- COMMAND")
    try:
        os.execvpe(command[0], command, os.environ | told)  # noqa: S606  no shell wanted
    except FileNotFoundError:
        raise Refusal(f"{command[0]}: no such command.") from None


def token(command: list[str]) -> None:
    """A session of the demo, minted by the running sandbox."""
    if environment.running() is None:
        raise Refusal("Nothing runs here yet: start `make run` in another terminal.")
    os.chdir(checkout.ROOT)
    become([*MANAGE, "token", *command])


def stop() -> None:
    """End the run, what a killed one left behind, and the database."""
    if not checkout.STATE.exists():
        return
    if pid := locks.holder(checkout.RUN):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while locks.is_held(checkout.RUN):
        if time.monotonic() > deadline:
            raise Refusal(f"`make run` (process {pid}) does not stop.")
        time.sleep(0.1)
    leftovers.end()
    database.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devserver", description=__doc__)
    parser.add_argument("word", choices=["run", "with", "token", "stop"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
