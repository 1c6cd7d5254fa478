"""`python -m devserver run [-- COMMAND] | with -- COMMAND | seed | token --role ROLE | demo | stop | clean`."""

import argparse
import os
import shutil
import signal
import sys
import time

from devserver import checkout, database, environment, leftovers, locks, place, seed, tour
from devserver.children import tell
from devserver.run import run
from support.api_client import Places, World
from support.errors import Refusal
from support.processes import die_with_parent

STOP_SECONDS = 15.0


def main() -> int:
    """Do what the command line says; a refusal is one sentence and status 1."""
    arguments = _parser().parse_args()
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # a killed make takes its command along
    try:
        return _do(arguments)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
    except PermissionError as error:
        print(f"{error.filename}: made by another account; run as that one.", file=sys.stderr)
    except BrokenPipeError:
        pass  # whoever read us has left
    return 1


def _do(arguments: argparse.Namespace) -> int:
    match arguments.word:
        case "run":
            return run(arguments.command)
        case "with":
            become(arguments.command)
        case "seed":
            seed.plant(_world())
        case "token":
            print(seed.token(_world(), arguments.role))
        case "demo":
            return demo()
        case "stop":
            print("Stopped." if stop() else "Nothing runs here.")
        case "clean":
            stop()
            place.remove()
            shutil.rmtree(checkout.STATE, ignore_errors=True)
    return 0


def become(command: list[str]) -> None:
    """Turn into a command which finds the database running and every variable set."""
    given = environment.given()
    told = environment.complete(given, environment.named_addresses(given))
    try:
        os.execvpe(command[0], command, os.environ | told)  # noqa: S606  no shell wanted
    except FileNotFoundError:
        raise Refusal(f"{command[0]}: no such command.") from None


def demo() -> int:
    """The tour, against the running product or one started for it."""
    if environment.running() is None:
        print("Starting everything for the tour...", flush=True)
        return run([sys.executable, "-m", "devserver", "demo"])
    keys = environment.vendors({}, environment.named_addresses({}))  # the sandbox's own
    tour.Tour(_world(), keys, tell=tell).walk()
    return 0


def stop() -> bool:
    """End the run, what a killed one left behind, and the database; whether there was any."""
    if not checkout.STATE.exists():
        return False
    if pid := locks.holder(checkout.RUN):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while locks.is_held(checkout.RUN):
        if time.monotonic() > deadline:
            raise Refusal(f"`make run` (process {pid}) does not stop.")
        time.sleep(0.1)
    left = leftovers.end()
    return database.stop() or bool(pid or left)


def _world() -> World:
    addresses = environment.running()
    if addresses is None:
        raise Refusal("Nothing runs here yet: start `make run` in another terminal.")
    given = environment.given()
    if not environment.uses_sandbox(environment.vendors(given, addresses) | given):
        raise Refusal("A vendor here is a real one: no demo organization is made there.")
    return World(Places(api=addresses.api, sandbox=addresses.vendors))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devserver")
    words = parser.add_subparsers(dest="word", required=True)
    words.add_parser("run", help="everything").add_argument("command", nargs="*")
    words.add_parser("with", help="a command").add_argument("command", nargs="+")
    words.add_parser("seed", help="the demo organization")
    words.add_parser("token", help="a session").add_argument(
        "--role", choices=list(seed.PEOPLE), default="admin"
    )
    words.add_parser("demo", help="the tour")
    words.add_parser("stop", help="everything of this checkout")
    words.add_parser("clean", help="the same, and remove its data")
    return parser


if __name__ == "__main__":
    sys.exit(main())
