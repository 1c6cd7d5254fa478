"""Run several programs in their own process groups, and keep and print their lines."""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from devserver import checkout
from support.errors import Refusal
from support.processes import dying_with_parent

COLOURS = {
    "sandbox": 35,
    "worker": 33,
    "web": 36,
    "migrate": 34,
    "seed": 32,
    "staff": 32,
    "devserver": 37,
}
WIDTH = max(map(len, COLOURS))
STYLE = re.compile(r"\x1b\[[0-9;]*m")
ERROR_LEVELS = ("[error ", "[critical ")  # as the product's console logs write them
KEPT = 15  # lines shown again when a program has failed
# What the kernel sends when we were killed. With the database gone a program may never end by
# itself, but one with children of its own must get to end them.
ORPHANED = {"web": signal.SIGTERM, "command": signal.SIGTERM}
GRACE = 6.0  # seconds between asking a program to stop and insisting


@dataclass
class Child:
    """Hold one program, its pipe, its log and its last lines."""

    name: str
    process: subprocess.Popen[bytes]
    log: BinaryIO | None = None
    partial: bytes = b""
    silent: bool = False  # its pipe is closed
    last: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def pipe(self) -> int:
        """Return the descriptor of the program's output."""
        assert self.process.stdout is not None  # noqa: S101  opened with a pipe
        return self.process.stdout.fileno()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program's process group, even after the program has ended."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Interrupted(Exception):
    """Stop the run because a signal arrived."""


class Children:
    """Start programs, print their output and stop them."""

    def __init__(self, *, quiet: bool = False, logs: Path | None = None) -> None:
        self.running: dict[str, Child] = {}
        self.signals: list[int] = []
        self.quiet = quiet  # print nothing; the last lines are shown when a program fails
        self._logs = logs  # folder of one file per program, with all of its lines
        self._selector = selectors.DefaultSelector()

    def obey(self, *numbers: signal.Signals) -> None:
        """Stop in order at the first of these signals and immediately at the second."""
        for number in numbers:
            signal.signal(number, self._store_signal)

    def _store_signal(self, number: int, _frame: FrameType | None) -> None:
        self.signals.append(number)  # looked at between two steps, never in the middle of one

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
        """Start one program and read its output."""
        child = self._spawn(name, command, environment, output=subprocess.PIPE)
        if self._logs is not None:
            child.log = (self._logs / f"{name}.log").open("ab")
        os.set_blocking(child.pipe, False)
        self._selector.register(child.pipe, selectors.EVENT_READ, child)
        return child

    def start_aloud(self, command: list[str], environment: Mapping[str, str]) -> Child:
        """Start a program that writes to the terminal directly."""
        child = self._spawn("command", command, environment, output=None)
        child.silent = True
        return child

    def _spawn(
        self, name: str, command: list[str], environment: Mapping[str, str], *, output: int | None
    ) -> Child:
        process = subprocess.Popen(
            command,
            cwd=checkout.ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us, and we stop them in order
            preexec_fn=dying_with_parent(ORPHANED.get(name, signal.SIGKILL)),  # noqa: PLW1509  one thread
        )
        self.running[name] = Child(name, process)
        return self.running[name]

    def finish(self, child: Child, *, seconds: float) -> None:
        """Wait until a program has ended successfully.

        Raises:
            Refusal: the program failed, another one ended, or the time was exceeded.
        """
        deadline = time.monotonic() + seconds
        while child.name in self.running:
            if time.monotonic() > deadline:
                raise Refusal(f"{child.name} took more than {seconds:.0f} seconds.")
            for ended in self.ended_within(0.2):
                self.forget(ended)
                if ended is not child or ended.process.returncode:
                    raise Refusal(describe_failure(ended) + self._list_errors())

    def ended_within(self, seconds: float) -> list[Child]:
        """Print output for some seconds and return the programs that have ended.

        Raises:
            Interrupted: a signal arrived.
        """
        if self.signals:
            raise Interrupted(signal.Signals(self.signals[0]).name)
        return self._listen(seconds)

    def _list_errors(self) -> str:
        """List the errors among the last lines of the running programs, which explain many failures."""
        found = [
            f"\n{child.name}: {STYLE.sub('', line)}"
            for child in self.running.values()
            for line in child.last
            if any(level in STYLE.sub("", line) for level in ERROR_LEVELS)
        ]
        return "".join(found)

    def forget(self, child: Child) -> None:
        """Kill the process group of an ended program, print its last lines and drop it."""
        child.signal(signal.SIGKILL)
        self._print(child)
        if child.partial:
            self._keep(child, child.partial)
        if not child.silent:
            self._close(child)
        self.running.pop(child.name, None)

    def stop(self, *names: str, grace: float = GRACE) -> None:
        """Stop the named programs, or all of them, and kill those that do not end in time."""
        stopping = [self.running[name] for name in names or tuple(self.running)]
        for child in stopping:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        while any(child.process.poll() is None for child in stopping):
            if time.monotonic() > deadline or len(self.signals) > 1:
                break
            self._listen(0.05)
        for child in stopping:
            child.signal(signal.SIGKILL)
            child.process.wait()
            self.forget(child)

    def _listen(self, seconds: float) -> list[Child]:
        if not self._selector.get_map():
            time.sleep(seconds)
        for key, _ in self._selector.select(seconds):
            self._print(key.data)
        return [child for child in self.running.values() if child.process.poll() is not None]

    def _print(self, child: Child) -> None:
        if child.silent:
            return
        with suppress(BlockingIOError):
            while chunk := os.read(child.pipe, 65536):
                *whole, child.partial = (child.partial + chunk).split(b"\n")
                for line in whole:
                    self._keep(child, line)
            self._close(child)

    def _keep(self, child: Child, line: bytes) -> None:
        text = line.decode(errors="replace")
        child.last.append(text)
        if child.log is not None:
            child.log.write(f"{STYLE.sub('', text)}\n".encode())
            child.log.flush()
        if not self.quiet:
            print_line(child.name, text)

    def _close(self, child: Child) -> None:
        self._selector.unregister(child.pipe)
        if child.process.stdout is not None:
            child.process.stdout.close()
        if child.log is not None:
            child.log.close()
        child.silent = True


def describe_failure(child: Child) -> str:
    """Describe how a program ended, with its last lines."""
    code = child.process.returncode
    how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
    where = f" ({child.log.name})" if child.log is not None else ""
    last = "\n".join(f"  {style_text(line)}" for line in child.last)
    return f"{child.name} {how}{where}." + (f" Its last lines:\n{last}" if last else "")


def has_colours() -> bool:
    """Return whether the output is a terminal that may show colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")  # noqa: TID251  a terminal's custom


def style_text(text: str) -> str:
    """Return a text, without styles when the output shows none."""
    return text if has_colours() else STYLE.sub("", text)


def print_own_line(text: str) -> None:
    """Print a text of the development server."""
    print(style_text(text), flush=True)


def print_line(name: str, line: str) -> None:
    """Print one line of a program with its name."""
    prefix = f"{name:>{WIDTH}} │"
    if has_colours():
        prefix = f"\033[{COLOURS.get(name, 37)}m{prefix}\033[0m"
    with suppress(OSError):
        print(prefix, style_text(line), flush=True)
