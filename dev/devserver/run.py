"""Run database, sandbox, worker and API for `make run` until Ctrl-C or a failure.

What the programs write goes to one file each. It is printed from the moment everything is ready; before
that, the steps are printed, and the last lines of a program that fails.
"""

import http
import http.client
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from devserver import checkout, database, environment, leftovers, locks, schema_version, sources
from devserver.children import (
    Child,
    Children,
    Interrupted,
    describe_failure,
    print_line,
    print_own_line,
)
from devserver.environment import Addresses
from support.errors import Refusal

PY = sys.executable
MANAGE = [PY, "src/manage.py"]
SERVE = [
    PY, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--blocking-threads", "4",
    "--workers-kill-timeout", "5", "--log-level", "warning",
]  # fmt: skip
STAFF = "staff@demo.example"
MIGRATE_SECONDS = 300.0
READY_SECONDS = 60.0
WORKERS = 4  # one per core, but a laptop has other things to do
SCAN_SECONDS = 1.0
DEMO = (
    (
        "Token",
        "make token ROLE=admin",
        "of the demo organization (or member, viewer), valid for five minutes",
    ),
    ("Tour", "make demo", "the life of one organization, step by step"),
)
NO_DEMO = (("Demo", "none", "a vendor here is a real one"),)
RESTARTED = ("worker", "web")  # what a changed source file restarts


def run_everything(command: list[str]) -> int:
    """Run everything until a signal arrives, or until the given command has ended.

    Returns the exit status.
    """
    checkout.make_state_folder()
    held = locks.try_hold_exclusive(checkout.RUN)
    if held is None:
        raise Refusal("`make run` runs already in this checkout; `make stop` ends it.")
    locks.write_holder(held)
    for name in leftovers.end_leftovers():
        print_line("devserver", f"ended {name}, left behind by a killed run")
    children = Children(quiet=True, logs=_make_logs_folder())
    children.obey(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    report = ignore_text if command else print_step
    given = environment.read_given()
    addresses = environment.lease_addresses(given)
    try:
        report("database")
        variables = environment.complete_environment(given, addresses)
        this = Run(children, addresses, variables, report=report)
        this.start()
        return this.accompany(command) if command else this.watch()
    except Interrupted as interrupted:
        if not command:
            print_line("devserver", f"{interrupted}: stopping")
        return 130 if command else 0
    finally:
        # The sandbox last, because jobs that are ending may still call it.
        children.stop(*(name for name in children.running if name != "sandbox"))
        children.stop(grace=1)
        os.close(held)
        database.release_server()
        if not command:
            print_line("devserver", "stopped")


class Run:
    """Hold one run with its programs, their addresses and their environment."""

    def __init__(
        self,
        children: Children,
        addresses: Addresses,
        variables: dict[str, str],
        *,
        report: Callable[[str], None],
    ) -> None:
        self.children = children
        self.addresses = addresses
        self.report = report  # called with each step
        marked = leftovers.build_marked_environment()
        self.variables = os.environ | variables | marked | {"PYTHONUNBUFFERED": "1"}  # noqa: TID251

    def start(self) -> None:
        """Start everything in order and return when the API is ready."""
        environment.store_addresses(self.addresses)
        sandbox = environment.for_sandbox(self.variables, self.addresses)
        self.report("sandbox and migrations")
        started = self.children.start("sandbox", [PY, "-m", "sandbox"], sandbox)
        self._migrate()
        self._await(started, self.addresses.sandbox, "/")
        self.report("API and worker")
        self._start_product()
        self._await(self.children.running["web"], self.addresses.web, "/readyz")
        if environment.uses_sandbox(self.variables):  # never invent people at a real vendor
            self.report("plans and the demo organization")
            self._finish("catalog", [*MANAGE, "sync_catalog"])
            self._finish("seed", [PY, "-m", "devserver", "seed"])
        if environment.may_invent(self.variables):
            file = environment.staff_password_file()
            self._finish("staff", [*MANAGE, "make_development_staff", STAFF, str(file)])

    def watch(self) -> int:
        """Restart the product when a source file changes, until a program ends."""
        self._greet()
        self.children.quiet = False
        before, scanned_at = sources.list_sources(), time.monotonic()
        may_fail: set[str] = set()  # after a change a program may fail until the next one
        while True:
            for child in self.children.ended_within(0.2):
                self.children.forget(child)
                if child.name not in may_fail:
                    raise Refusal(describe_failure(child))
                print_line("devserver", f"{child.name} failed; waiting for the next change")
            if time.monotonic() - scanned_at > SCAN_SECONDS:
                database.require_server()
                after, scanned_at = sources.list_sources(), time.monotonic()
                if path := sources.find_changed_source(before, after):
                    may_fail = set(RESTARTED)
                    self._restart(str(path))
                before = after

    def accompany(self, command: list[str]) -> int:
        """Run a command against everything that is up.

        Its status is ours.
        """
        child = self.children.start_aloud(command, self.variables)
        while True:
            for ended in self.children.ended_within(0.2):
                self.children.forget(ended)
                if ended is child:
                    return child.process.returncode
                raise Refusal(describe_failure(ended))

    def _start_product(self) -> None:
        self.children.start("worker", [*MANAGE, "worker"], self.variables)
        workers = min(os.cpu_count() or 1, WORKERS)
        where = ["--port", str(self.addresses.web), "--workers", str(workers)]
        counted = {"PROMETHEUS_MULTIPROC_DIR": str(checkout.METRICS)}
        shutil.rmtree(checkout.METRICS, ignore_errors=True)  # counts of processes that are gone
        checkout.METRICS.mkdir()
        self.children.start(
            "web", [*SERVE, *where, "config.wsgi:application"], self.variables | counted
        )

    def _restart(self, path: str) -> None:
        print_line("devserver", f"{path} changed: restarting {' and '.join(RESTARTED)}")
        self.children.stop(*(name for name in RESTARTED if name in self.children.running))
        self._start_product()

    def _migrate(self) -> None:
        if database.is_held():  # a database named by hand is its owner's to recreate
            schema_version.require_current_schema(self.variables["DATABASE_OWNER_URL"])
        self._finish("migrate", [*MANAGE, "migrate_all", "--verbosity", "0"])

    def _finish(self, name: str, command: list[str]) -> None:
        self.children.finish(
            self.children.start(name, command, self.variables), seconds=MIGRATE_SECONDS
        )

    def _await(self, child: Child, port: int, path: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _does_answer(port, path):
            for ended in self.children.ended_within(0.1):
                self.children.forget(ended)
                raise Refusal(describe_failure(ended))
            if time.monotonic() > deadline:
                raise Refusal(f"{child.name} was not ready after {READY_SECONDS:.0f} s: {path}")

    def _greet(self) -> None:
        api, sandbox = self.addresses.api, self.addresses.vendors
        rows = [
            (
                "Start here",
                f"{sandbox}/",
                "the sandbox of Stytch and Stripe, and what to try first",
            ),
            ("API", f"{api}/docs", "documentation, with a form for every call"),
            ("Admin", f"{api}/admin/", self._staff()),
            ("Inbox", f"{sandbox}/inbox", "receives the mails to every address"),
            ("Events", f"{sandbox}/events", "webhooks sent to the API"),
            ("Front end", "localhost:3000, :5173", "may call the API: docs/guides/front-end.md"),
            ("Database", "make psql, make shell", self.variables["DATABASE_OWNER_URL"]),
            *(DEMO if environment.uses_sandbox(self.variables) else NO_DEMO),
            ("Logs", str(checkout.LOGS.relative_to(checkout.ROOT)), "one file for each program"),
        ]
        print_own_line("")
        for name, value, note in rows:
            print_own_line(f"  {name:<12} {value:<29} {note}".rstrip())
        print_own_line("\nReady. Ctrl-C stops everything.\n")

    def _staff(self) -> str:
        if not environment.may_invent(self.variables):
            return ""
        return f"{STAFF} / {environment.staff_password_file().read_text()}"


def print_step(text: str) -> None:
    """Print a step of the start."""
    print_line("devserver", f"starting: {text}")


def ignore_text(_text: str) -> None:
    """Print nothing, for a run whose command's output is all that is wanted."""


def _make_logs_folder() -> Path:
    """Create an empty folder for the programs' output, and keep that of the run before."""
    shutil.rmtree(checkout.EARLIER_LOGS, ignore_errors=True)
    if checkout.LOGS.exists():
        checkout.LOGS.rename(checkout.EARLIER_LOGS)
    checkout.LOGS.mkdir()
    return checkout.LOGS


def _does_answer(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
