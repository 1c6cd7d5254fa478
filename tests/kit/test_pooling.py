"""Detect a transaction pooler, and refuse to start behind one."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from kit import health, pooling
from tests.harness.plugin import DATABASE, WEB_URL, on_database
from tests.harness.stack import poll, run_program

pytestmark = pytest.mark.usefixtures("committed")


@contextlib.contextmanager
def share_session():
    """Give several clients one session of the server, as a transaction pooler does."""
    with pooling.open_connection() as shared:
        yield lambda: contextlib.nullcontext(shared)


@contextlib.contextmanager
def alternate_sessions(count):
    """Give the clients several sessions in turn, and one session for a transaction."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(pooling.open_connection()) for _ in range(count)]

        class Client(contextlib.AbstractContextManager):
            held = None

            def __exit__(self, *_):
                return None

            def execute(self, statement):
                session = self.held or idle.pop(0)
                answer = session.execute(statement)
                self.held = session if session.info.transaction_status else None
                if not self.held:
                    idle.append(session)
                return answer

        yield Client


def test_separate_sessions_are_no_pooler():
    assert not pooling.is_transaction_pooled(pooling.open_connection)


def test_session_shared_by_two_clients_is_a_pooler():
    with share_session() as connect:
        assert pooling.is_transaction_pooled(connect)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_alternating_sessions_are_a_pooler(count):
    with alternate_sessions(count) as connect:
        assert pooling.is_transaction_pooled(connect)


def test_start_is_refused_behind_a_pooler(monkeypatch):
    with share_session() as connect:
        monkeypatch.setattr(pooling, "open_connection", connect)
        with pytest.raises(ImproperlyConfigured, match="pool_mode = session"):
            pooling.require_own_sessions()


def test_unreachable_database_is_reported_by_readyz(monkeypatch):
    def refuse():
        raise psycopg.OperationalError

    monkeypatch.setattr(pooling, "open_connection", refuse)

    pooling.require_own_sessions()


def test_readyz_names_the_pooler(monkeypatch):
    with share_session() as connect:
        monkeypatch.setattr(pooling, "open_connection", connect)
        probe = health.Probe({"transaction_pooler": pooling.has_own_sessions}, limit=20)

        assert probe.failures() == ["transaction_pooler"]


# ── PgBouncer itself, where it is installed ──────────────────────────────────────────────────

CONFIGURATION = """
[databases]
{database} = {upstream} dbname={database}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6543
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
ignore_startup_parameters = extra_float_digits, options
"""


@pytest.fixture
def start_pgbouncer():
    """Return a function that starts PgBouncer before the test database and returns its URL."""
    given = psycopg.conninfo.conninfo_to_dict(on_database(WEB_URL, DATABASE))
    names = [name for name in ("host", "port", "user", "password") if name in given]
    with contextlib.ExitStack() as stack:

        def start(mode):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.chmod(0o777)  # PgBouncer refuses to run as root
            config = folder / "pgbouncer.ini"
            upstream = " ".join(f"{name}={given[name]}" for name in names)
            text = CONFIGURATION.format(
                database=DATABASE, upstream=upstream, folder=folder, mode=mode
            )
            config.write_text(text + ("user = nobody\n" if os.geteuid() == 0 else ""))
            (folder / "users").write_text(f'"{given["user"]}" "{given.get("password", "")}"\n')
            running = subprocess.Popen(
                ["pgbouncer", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(running.wait)
            stack.callback(running.terminate)
            poll((folder / ".s.PGSQL.6543").exists, what="PgBouncer")
            return f"postgresql://{given['user']}@/{DATABASE}?host={folder}&port=6543"

        yield start


if shutil.which("pgbouncer"):

    @pytest.mark.parametrize(
        ("mode", "pooled"), [("transaction", True), ("statement", True), ("session", False)]
    )
    def test_pgbouncer_is_accepted_in_session_mode_only(start_pgbouncer, mode, pooled):
        url = start_pgbouncer(mode)

        answer = pooling.is_transaction_pooled(lambda: psycopg.connect(url, autocommit=True))

        assert answer is pooled

    @pytest.mark.parametrize(
        "program",
        [["-c", "import config.wsgi"], ["src/manage.py", "worker"]],
        ids=["web", "worker"],
    )
    def test_program_does_not_start_behind_pgbouncer_in_transaction_mode(start_pgbouncer, program):
        url = start_pgbouncer("transaction")

        ended = run_program(program, DATABASE_URL=url, DATABASE_OWNER_URL=url)

        assert ended.returncode != 0
        assert "pool_mode = session" in ended.stderr
