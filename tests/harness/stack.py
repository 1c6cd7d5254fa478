"""Start the sandbox, a granian web process and a worker process next to the tests."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from pathlib import Path

import httpx
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from kit.tasks import rescue_stalled_jobs
from support.processes import dying_with_parent
from tests.harness.plugin import API_URL, ROOT, SANDBOX_URL, WEB_PORT, WORKER

# Running jobs, and statements or transactions of other connections.
IN_PROGRESS = """
    SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'),
           (SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle')
"""
PYTHON = [sys.executable]
GRANIAN = [
    *PYTHON, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(WEB_PORT),
    "--workers", "1", "--blocking-threads", "4", "--log-level", "warning", "config.wsgi:application",
]  # fmt: skip
COMMANDS = {
    "sandbox": [*PYTHON, "-m", "sandbox"],
    "web": GRANIAN,
    "worker": [*PYTHON, str(Path(__file__).with_name("worker.py"))],
}


def run_program(arguments, **environment):
    """Run Python with these arguments until it ends, the environment changed as given."""
    return subprocess.run(
        [*PYTHON, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def poll(question, *, seconds=30.0, every=0.02, what="an answer"):
    """Call until the answer is true, and return it; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(every)
    return answer


def client(**options):
    """Return an HTTP client for loopback, without the 20 ms of reading certificates."""
    return httpx.Client(**options, verify=False, trust_env=False)


@dataclass
class Process:
    """Start and stop one program of the stack, and write its output to a log."""

    name: str
    log: Path
    running: subprocess.Popen | None = field(default=None, repr=False)

    def start(self):
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                COMMANDS[self.name],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}/dev"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - no threads have started yet
            )

    def stop(self, how=signal.SIGTERM):
        if self.running is None:
            return
        self.running.send_signal(how)
        self.running.send_signal(signal.SIGCONT)  # a paused process does not end before
        try:
            self.running.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(timeout=5)
        self.running = None

    def pause(self):
        self.running.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.running.pid, os.WSTOPPED | os.WNOWAIT)

    def resume(self):
        self.running.send_signal(signal.SIGCONT)

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])


class Stack:
    """Run the three processes; tests may pause, stop, kill and start the worker."""

    def __init__(self, folder):
        self.processes = {name: Process(name, Path(folder) / f"{name}.log") for name in COMMANDS}
        self.worker = self.processes["worker"]

    def start(self):
        for process in self.processes.values():
            process.start()
        try:
            poll(lambda: self._answers(SANDBOX_URL), what="the sandbox")
            call_command("sync_catalog", stdout=StringIO())
            poll(lambda: self._answers(f"{API_URL}/readyz"), what="the web server")
        except AssertionError:
            logs = "\n".join(f"── {p.name}\n{p.tail()}" for p in self.processes.values())
            self.stop()
            raise AssertionError(f"The stack of {WORKER} did not start:\n{logs}") from None

    def stop(self):
        for process in reversed(self.processes.values()):
            process.stop()

    def restart_web(self):
        """Start the web process again, which then knows only what the database holds."""
        web = self.processes["web"]
        web.stop()
        web.start()
        poll(lambda: self._answers(f"{API_URL}/readyz"), what="the web server")

    def pause_worker(self):
        """Pause the worker while it runs no job and holds no lock."""
        poll(self._pause_between_jobs, every=0.05, what="a worker without a job")

    def kill_worker(self):
        """Kill the worker, so that it keeps its job and its locks."""
        self.worker.stop(signal.SIGKILL)

    def start_worker(self):
        """Start a worker, and retry the job of a killed one as if a minute had passed."""
        minute_ago = timezone.now() - timedelta(minutes=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [minute_ago])
        rescue_stalled_jobs()
        self.worker.start()

    def _pause_between_jobs(self):
        self.worker.pause()
        with connection.cursor() as cursor:
            cursor.execute(IN_PROGRESS)
            is_idle = cursor.fetchone() == (0, 0)
        if not is_idle:
            self.worker.resume()
        return is_idle

    def _answers(self, url):
        for process in self.processes.values():
            assert process.running.poll() is None, f"{process.name} ended"
        try:
            with client(timeout=5) as asking:
                return asking.get(url).status_code == 200
        except httpx.TransportError:
            return False
