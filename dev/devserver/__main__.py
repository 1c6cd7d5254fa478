"""Parse and run the commands of the development server.

Usage: `python -m devserver run [-- COMMAND] | with -- COMMAND | seed | token --role ROLE | demo |
stop | clean`.
"""

import argparse
import os
import shutil
import signal
import sys
import time

from devserver import checkout, database, environment, leftovers, locks, place, seed, tour
from devserver.children import print_own_line
from devserver.run import run_everything
from support.api_client import BaseUrls, FrontEnd
from support.errors import Refusal
from support.processes import die_with_parent

STOP_SECONDS = 15.0


def main() -> int:
    """Run the command of the command line and return its exit status.

    A refusal prints one sentence and returns 1.
    """
    arguments = _build_parser().parse_args()
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM)  # a killed make takes its command along
    try:
        return _run_command(arguments)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
    except PermissionError as error:
        print(f"{error.filename}: made by another account; run as that one.", file=sys.stderr)
    except BrokenPipeError:
        pass  # the reader of a pipe has ended, as in `make token | head`
    return 1


def _run_command(arguments: argparse.Namespace) -> int:
    match arguments.word:
        case "run":
            return run_everything(arguments.command)
        case "with":
            exec_with_environment(arguments.command)
        case "seed":
            seed.seed_demo(_open_client())
        case "token":
            print(seed.create_demo_token(_open_client(), arguments.role))
        case "demo":
            return run_demo()
        case "stop":
            print("Stopped." if stop_run() else "Nothing runs here.")
        case "clean":
            stop_run()
            place.remove_place()
            shutil.rmtree(checkout.STATE, ignore_errors=True)
    return 0


def exec_with_environment(command: list[str]) -> None:
    """Replace this process by a command, with the database running and every variable set."""
    given = environment.read_given()
    variables = environment.complete_environment(given, environment.named_addresses(given))
    try:
        os.execvpe(command[0], command, os.environ | variables)  # noqa: S606  no shell wanted
    except FileNotFoundError:
        raise Refusal(f"{command[0]}: no such command.") from None


def run_demo() -> int:
    """Walk through the tour at the running product, or start one for it."""
    if environment.find_running() is None:
        print("Starting everything for the tour...", flush=True)
        return run_everything([sys.executable, "-m", "devserver", "demo"])
    keys = environment.build_vendor_settings(
        {}, environment.named_addresses({})
    )  # the sandbox's own
    tour.Tour(_open_client(), keys, report=print_own_line).walk()
    return 0


def stop_run() -> bool:
    """Stop the run, processes of killed runs and the database, and return whether any ran."""
    if not checkout.STATE.exists():
        return False
    if pid := locks.read_holder(checkout.RUN):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while locks.is_lock_held(checkout.RUN):
        if time.monotonic() > deadline:
            raise Refusal(f"`make run` (process {pid}) does not stop.")
        time.sleep(0.1)
    left = leftovers.end_leftovers()
    return database.stop_server() or bool(pid or left)


def _open_client() -> FrontEnd:
    addresses = environment.find_running()
    if addresses is None:
        raise Refusal("Nothing runs here yet: start `make run` in another terminal.")
    given = environment.read_given()
    if not environment.uses_sandbox(environment.build_vendor_settings(given, addresses) | given):
        raise Refusal("A vendor here is a real one: no demo organization is made there.")
    return FrontEnd(BaseUrls(api=addresses.api, sandbox=addresses.vendors))


def _build_parser() -> argparse.ArgumentParser:
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
