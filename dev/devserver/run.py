"""Run database, sandbox, worker and API for `make run` until Ctrl-C or a failure."""

import http
import http.client
import os
import shutil
import signal
import sys
import time

from devserver import checkout, database, environment, leftovers, locks, schema_version, sources
from devserver.children import Child, Children, Interrupted, describe_failure, print_line
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
LOOK_SECONDS = 1.0
DEMO = (
    "Token        make token ROLE=admin    of the demo organization (or member, viewer); lives five minutes",
    "Story        make demo",
)
NO_DEMO = ("Demo         none: a vendor here is a real one",)
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
    children = Children(quiet=bool(command))
    children.obey(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    given = environment.read_given()
    addresses = environment.choose_addresses(given)
    this = Run(children, addresses, environment.complete_environment(given, addresses))
    try:
        this.start()
        return this.accompany(command) if command else this.watch()
    except Interrupted as told:
        if not command:
            print_line("devserver", f"{told}: stopping")
        return 130 if command else 0
    finally:
        # The sandbox last: jobs that are ending may still want to ask it something.
        children.stop(*(name for name in children.running if name != "sandbox"))
        children.stop(grace=1)
        os.close(held)
        database.release_server()
        if not command:
            print_line("devserver", "stopped")


class Run:
    """Hold one run with its programs, their addresses and their environment."""

    def __init__(self, children: Children, addresses: Addresses, told: dict[str, str]) -> None:
        self.children = children
        self.addresses = addresses
        marked = leftovers.build_marked_environment()
        self.told = os.environ | told | marked | {"PYTHONUNBUFFERED": "1"}  # noqa: TID251

    def start(self) -> None:
        """Start everything in order and return when the API is ready."""
        environment.store_addresses(self.addresses)
        sandbox = environment.for_sandbox(self.told, self.addresses)
        started = self.children.start("sandbox", [PY, "-m", "sandbox"], sandbox)
        self._migrate()
        self._await(started, self.addresses.sandbox, "/")
        self._start_product()
        self._await(self.children.running["web"], self.addresses.web, "/readyz")
        if environment.uses_sandbox(self.told):  # never invent people at a real vendor
            self._finish("catalog", [*MANAGE, "sync_catalog"])
            self._finish("seed", [PY, "-m", "devserver", "seed"])
        if environment.may_invent(self.told):
            file = environment.staff_password_file()
            self._finish("staff", [*MANAGE, "make_development_staff", STAFF, str(file)])

    def watch(self) -> int:
        """Restart the product when a source file changes, until a program ends."""
        self._greet()
        before, looked = sources.list_sources(), time.monotonic()
        forgiven: set[str] = set()  # what fails right after a change waits for the next one
        while True:
            for child in self.children.ended_within(0.2):
                self.children.forget(child)
                if child.name not in forgiven:
                    raise Refusal(describe_failure(child))
                print_line("devserver", f"{child.name} failed; waiting for the next change")
            if time.monotonic() - looked > LOOK_SECONDS:
                database.require_server()
                after, looked = sources.list_sources(), time.monotonic()
                if path := sources.find_changed_source(before, after):
                    forgiven = set(RESTARTED)
                    self._restart(str(path))
                before = after

    def accompany(self, command: list[str]) -> int:
        """Run a command against everything that is up.

        Its status is ours.
        """
        child = self.children.start_aloud(command, self.told)
        while True:
            for ended in self.children.ended_within(0.2):
                self.children.forget(ended)
                if ended is child:
                    return child.process.returncode
                raise Refusal(describe_failure(ended))

    def _start_product(self) -> None:
        self.children.start("worker", [*MANAGE, "worker"], self.told)
        workers = min(os.cpu_count() or 1, WORKERS)
        where = ["--port", str(self.addresses.web), "--workers", str(workers)]
        counted = {"PROMETHEUS_MULTIPROC_DIR": str(checkout.METRICS)}
        shutil.rmtree(checkout.METRICS, ignore_errors=True)  # counts of processes that are gone
        checkout.METRICS.mkdir()
        self.children.start("web", [*SERVE, *where, "config.wsgi:application"], self.told | counted)

    def _restart(self, path: str) -> None:
        print_line("devserver", f"{path} changed: restarting {' and '.join(RESTARTED)}")
        self.children.stop(*(name for name in RESTARTED if name in self.children.running))
        self._start_product()

    def _migrate(self) -> None:
        if database.is_held():  # a database named by hand is its owner's to recreate
            schema_version.require_current_schema(self.told["DATABASE_OWNER_URL"])
        self._finish("migrate", [*MANAGE, "migrate_all", "--verbosity", "0"])

    def _finish(self, name: str, command: list[str]) -> None:
        self.children.finish(self.children.start(name, command, self.told), seconds=MIGRATE_SECONDS)

    def _await(self, child: Child, port: int, path: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not _does_answer(port, path):
            for ended in self.children.ended_within(0.1):
                self.children.forget(ended)
                raise Refusal(describe_failure(ended))
            if time.monotonic() > deadline:
                raise Refusal(f"{child.name} was not ready after {READY_SECONDS:.0f} s: {path}")

    def _greet(self) -> None:
        api, vendors = self.addresses.api, self.addresses.vendors
        lines = [
            "",
            f"Start here   {vendors}/",
            "",
            f"API          {api}/docs",
            f"Admin        {api}/admin/{self._staff()}",
            f"Inbox        {vendors}/inbox    mails to anybody land here",
            f"Events       {vendors}/events   webhooks sent to the API",
            f"Database     {self.told['DATABASE_OWNER_URL']}",
            *(DEMO if environment.uses_sandbox(self.told) else NO_DEMO),
            "",
            "Ready. Ctrl-C stops everything.",
        ]
        for line in lines:
            print_line("devserver", line)

    def _staff(self) -> str:
        if not environment.may_invent(self.told):
            return ""
        return f"   {STAFF} / {environment.staff_password_file().read_text()}"


def _does_answer(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
