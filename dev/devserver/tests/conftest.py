"""A checkout for one test, with the real devserver and small programs instead of the product."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.harness.plugin import free_port
from tests.harness.stack import poll

DEV = Path(__file__).parents[2]
STANDINS = Path(__file__).parent / "standins"


class Checkout:
    """Commands run in it, and what is left of them."""

    def __init__(self, root):
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__", "tests")
        for package in ("devserver", "support"):
            shutil.copytree(DEV / package, root / "dev" / package, ignore=ignored)
        shutil.copytree(STANDINS, root / "src", dirs_exist_ok=True)
        shutil.move(root / "src/sandbox", root / "dev/sandbox")
        shutil.move(root / "src/seed.py", root / "dev/devserver/seed.py")
        self.ports = {"WEB_PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
        self.pythonpath = os.pathsep.join((str(root / "src"), str(root / "dev")))
        self.variables = {}
        self.started = []

    def environment(self, **more):
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "PYTHONPATH": self.pythonpath,
        }
        return own | self.ports | self.variables | more

    def start(self, *arguments, **environment):
        return self.start_program(sys.executable, "-m", "devserver", *arguments, **environment)

    def start_program(self, *command, **environment):
        with self.root.joinpath("output.txt").open("ab") as log:
            begun = subprocess.Popen(
                command, cwd=self.root, env=self.environment(**environment), stdout=log, stderr=log
            )
        self.started.append(begun)
        return begun

    def do(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "devserver", *arguments],
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, **environment):
        """`make run`, once it says it is ready."""
        begun = self.start("run", **environment)
        poll(lambda: self.says("Ready.") or begun.poll() is not None, seconds=60, what="a run")
        assert begun.poll() is None, self.output
        return begun

    @property
    def output(self):
        return (self.root / "output.txt").read_text()

    def says(self, text):
        return text in self.output

    def log(self, program):
        """Everything a program of the last run wrote."""
        return (self.root / f".devserver/logs/{program}.log").read_text()

    def processes(self, name=""):
        """Every process whose command line or mark names this checkout."""
        return [process for process in psutil.process_iter() if self._owns(process, name)]

    def is_empty(self):
        return not self.processes()

    def stop(self):
        for begun in self.started:
            begun.kill()
            begun.wait(timeout=10)
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        key = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        for outside in (f"/tmp/tenantry-{os.geteuid()}-{key}", f"/var/tmp/tenantry-{key}"):
            shutil.rmtree(outside, ignore_errors=True)

    def _owns(self, process, name):
        try:
            words, environ = process.cmdline(), process.environ()
        except (psutil.Error, OSError):
            return False
        marked = environ.get("PYTHONPATH", "") == self.pythonpath
        holds = any(word.startswith(str(self.root)) for word in words)
        return (marked or holds) and (not name or name in " ".join(words))


@contextlib.contextmanager
def checkouts():
    """Makes checkouts, and removes them with everything that runs in them."""
    made = []
    folder = Path(tempfile.mkdtemp(prefix="devserver-tests-"))
    folder.chmod(0o711)  # pytest's own folders are closed to the account root hands PostgreSQL to

    def make(name="a checkout"):
        (folder / name).mkdir(parents=True)
        made.append(Checkout(folder / name))
        return made[-1]

    yield make
    for checkout in made:
        checkout.stop()
    shutil.rmtree(folder, ignore_errors=True)  # a server that is ending may still write


@pytest.fixture
def make_checkout():
    with checkouts() as make:
        yield make


@pytest.fixture
def checkout(make_checkout):
    return make_checkout()
