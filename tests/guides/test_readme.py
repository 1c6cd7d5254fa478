"""The README's steps by hand can be pasted, more than once."""

import json
import re
import subprocess
import time

import pytest

from tests.harness.plugin import API_URL, ROOT, SANDBOX_URL
from tests.harness.stack import poll

pytestmark = pytest.mark.guide

README = ROOT / "README.md"


def read_steps():
    """Return the shell lines of the chapter, with the addresses of this test run."""
    chapter = README.read_text().split("## Try it by hand")[1]
    steps = re.search(r"```sh\n(.*?)```", chapter, re.DOTALL)[1]
    for printed, here in (
        ("http://127.0.0.1:8000", API_URL),
        ("http://127.0.0.1:8600", SANDBOX_URL),
    ):
        assert steps.count(printed) == 1
        steps = steps.replace(printed, here)
    return steps


def paste(shell, steps):
    """Run the steps in a shell that is still open, and return what was printed."""
    shell.stdin.write(f"{steps}\necho; echo END\n")
    shell.stdin.flush()
    lines = list(iter(shell.stdout.readline, "END\n"))
    return [line.strip() for line in lines if line.strip()]


def test_steps_can_be_pasted_twice_into_one_shell(stack):
    with subprocess.Popen(
        ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as shell:
        first = paste(shell, read_steps())
        ended = int(time.time())
        poll(lambda: int(time.time()) > ended, what="the next second, which names the slug")
        second = paste(shell, read_steps())
        shell.stdin.close()

    for printed in (first, second):
        documents = [json.loads(line) for line in printed if line.startswith("{")]
        assert [document for document in documents if "code" in document] == [], printed
        seats = [document["counted"] for document in documents if "counted" in document]
        assert seats == [1, 2]
        (page,) = [line for line in printed if line.startswith(SANDBOX_URL)]
        assert "/checkout/" in page
        events = documents[-1]["results"]
        assert {"organization.created", "member.added"} <= {event["type"] for event in events}
    assert first[-1] != second[-1]
