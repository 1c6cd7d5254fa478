"""The real thing next to the tests: the sandbox, a granian web process and a worker process."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
from django.db import connection
from django.utils import timezone

from kit.tasks import rescue_stalled_jobs
from support.processes import dying_with_parent
from tests.harness.plugin import API_URL, ROOT, SANDBOX_URL, WEB_PORT, WORKER

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


def manage(*command):
    """Run one of the product's commands, as an operator would."""
    done = run_program([str(ROOT / "src/manage.py"), *command])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def poll(question, *, seconds=30.0, every=0.02, what="an answer"):
    """Ask until the answer is true, and return it; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(every)
    return answer


def client(**options):
    """Plain HTTP on loopback: reading the machine's certificates would take 20 ms per client."""
    return httpx.Client(**options, verify=False, trust_env=False)


@dataclass
class Process:
    """One program of the stack, its output kept for the day it fails."""

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
        try:
            self.running.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(timeout=5)
        self.running = None

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])


class Stack:
    """The three processes; the worker may be stopped, killed and started by tests about that."""

    def __init__(self, folder):
        self.processes = {name: Process(name, Path(folder) / f"{name}.log") for name in COMMANDS}
        self.worker = self.processes["worker"]

    def start(self):
        for process in self.processes.values():
            process.start()
        try:
            poll(lambda: self._answers(SANDBOX_URL), what="the sandbox")
            manage("sync_catalog")
            poll(lambda: self._answers(f"{API_URL}/readyz"), what="the web server")
        except AssertionError:
            logs = "\n".join(f"── {p.name}\n{p.tail()}" for p in self.processes.values())
            self.stop()
            raise AssertionError(f"The stack of {WORKER} did not start:\n{logs}") from None

    def stop(self):
        for process in reversed(self.processes.values()):
            process.stop()

    def kill_worker(self):
        """No goodbye: what it held stays held."""
        self.worker.stop(signal.SIGKILL)

    def start_worker(self):
        """As after a minute: what a dead one held is free again, and no one had to wait."""
        minute_ago = timezone.now() - timedelta(minutes=1)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = %s", [minute_ago])
        rescue_stalled_jobs()
        self.worker.start()

    def _answers(self, url):
        for process in self.processes.values():
            assert process.running.poll() is None, f"{process.name} ended"
        try:
            with client(timeout=5) as asking:
                return asking.get(url).status_code == 200
        except httpx.TransportError:
            return False
