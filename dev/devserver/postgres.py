"""Start, prepare and stop one PostgreSQL server, for the keeper only."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import psutil
import psycopg
from psycopg import sql

from devserver import checkout
from devserver.place import MAJOR, Place
from support.errors import Refusal
from support.processes import dying_with_parent

OWNER, WEB, DATABASE, SUPERUSER = "tenantry_owner", "tenantry_web", "tenantry", "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 8.0
LOG_BYTES = 5_000_000
UNUSED_PID = 2**30  # no system gives out process ids as high

TUNING = {
    "listen_addresses": "",  # the socket's folder is private; nothing else may connect
    "port": "5432",  # names the socket, regardless of PGPORT
    "max_connections": "200",
    "max_locks_per_transaction": "512",  # migrating many schemas in one transaction
    "shared_buffers": "256MB",
    "jit": "off",  # compiling costs more than these queries
    "wal_level": "minimal",  # no replica ever follows
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
}


def start_server(place: Place) -> subprocess.Popen[bytes]:
    """Start a server and return it when it accepts connections."""
    place.give(place.sockets)
    with _open_log() as log:
        _initialize(place, log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            _evict_leftover(place)
            server = _launch_server(place, log)
            if _is_accepting(place, server, deadline):
                return server
            # After a kill -9 the old server's children hold its memory for another moment.
            if time.monotonic() >= deadline or "shared memory" not in read_log_tail(5):
                raise Refusal(f"PostgreSQL did not start ({checkout.LOG}):\n{read_log_tail(10)}")
            time.sleep(0.3)


def shut_down_server(server: subprocess.Popen[bytes]) -> None:
    """Stop a server with a checkpoint, and kill it when that takes too long."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def create_roles_and_database(place: Place) -> None:
    """Create the owner role, the web role and the database where they are missing."""
    with psycopg.connect(place.url(user=SUPERUSER, database="postgres"), autocommit=True) as db:
        _create_role(db, OWNER, "CREATEDB")
        _create_role(db, WEB, "")
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
            db.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


def read_log_tail(lines: int) -> str:
    """Return the last lines of the server's log."""
    text = checkout.LOG.read_text(errors="replace") if checkout.LOG.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _create_role(db: psycopg.Connection, name: str, rights: str) -> None:
    if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        statement = sql.SQL("CREATE ROLE {} LOGIN {}")
        db.execute(statement.format(sql.Identifier(name), sql.SQL(rights)))


def _initialize(place: Place, log: BinaryIO) -> None:
    version = place.data / "PG_VERSION"
    if not version.exists():
        _init_cluster(place, log)
    elif version.read_text().strip() != MAJOR:
        raise Refusal(f"{place.data} is of another PostgreSQL; `make clean` removes it.")
    elif place.data.stat().st_uid != place.account.get("user", os.geteuid()):
        raise Refusal(f"{place.data} was made by another account; `make clean` removes it.")


def _init_cluster(place: Place, log: BinaryIO) -> None:
    # Renamed when whole, and never shared: what a killed start left may still be written to.
    for left in place.data.parent.glob(f"{place.data.name}.[0-9]*"):
        shutil.rmtree(left, ignore_errors=True)
    half = place.data.with_name(f"{place.data.name}.{os.getpid()}")
    place.give(half)
    command = [str(place.binaries / "initdb"), "-D", str(half), "-U", SUPERUSER, "-A", "trust"]
    command += ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=_build_environment(),
        check=False,
        **place.account,
    )
    if done.returncode:
        raise Refusal(f"PostgreSQL could not be initialized ({checkout.LOG}):\n{read_log_tail(10)}")
    half.rename(place.data)


def _launch_server(place: Place, log: BinaryIO) -> subprocess.Popen[bytes]:
    command = [str(place.binaries / "postgres"), "-D", str(place.data), "-k", str(place.sockets)]
    for name, value in TUNING.items():
        command += ["-c", f"{name}={value}"]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=_build_environment(),
        preexec_fn=dying_with_parent(signal.SIGINT),  # noqa: PLW1509  the keeper has one thread
        **place.account,
    )


def _is_accepting(place: Place, server: subprocess.Popen[bytes], deadline: float) -> bool:
    url = place.url(user=SUPERUSER, database="postgres")
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5):
            return True
        time.sleep(0.05)
    shut_down_server(server)
    return False


def _evict_leftover(place: Place) -> None:
    """Stop the server that a killed keeper left running, and remove its lock files.

    PostgreSQL refuses to start while the process id in `postmaster.pid` exists. That id may now
    belong to another program, or to a zombie that a container's first process never reaps.
    """
    pid_file = place.data / "postmaster.pid"
    claim = pid_file.read_text().splitlines() if pid_file.exists() else []
    old = _find_server(place, claim[0]) if claim else None
    if old:
        _end_server(old)
    elif len(claim) > 1:
        # It stays, because its other lines lead to shared memory the old server's children may hold.
        pid_file.write_text("\n".join([str(UNUSED_PID), *claim[1:], ""]))
    else:
        pid_file.unlink(missing_ok=True)
    (place.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)


def _find_server(place: Place, claimed: str) -> psutil.Process | None:
    try:
        process = psutil.Process(int(claimed))
        words = process.cmdline()  # none of a zombie
    except (ValueError, psutil.Error):
        return None
    return process if str(place.data) in words else None


def _end_server(old: psutil.Process) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.Error):
            old.send_signal(number)
            psutil.wait_procs([old], timeout=STOP_SECONDS)


@contextmanager
def _open_log() -> Iterator[BinaryIO]:
    if checkout.LOG.exists() and checkout.LOG.stat().st_size > LOG_BYTES:
        checkout.LOG.replace(checkout.LOG.with_suffix(".old.log"))
    with checkout.LOG.open("ab") as log:
        yield log


def _build_environment() -> dict[str, str]:
    # Not ours: PGDATA, PGPORT and the locale of the calling process would all apply.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
