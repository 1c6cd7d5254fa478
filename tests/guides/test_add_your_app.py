"""The guide "Add your app" is followed literally, on a copy of the checkout."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.plugin import ROOT

pytestmark = pytest.mark.guide

BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
FILE = re.compile(r"`((?:src|tests)/projects/[\w/]+\.py)`[^`]*$")
REPLACE = re.compile(r"(?:In `([\w/.]+)`,[^`]*)?[Rr]eplace\s*$")
IGNORED = (".git", ".venv", ".tools", ".cache", ".devserver", "node_modules", ".ruff_cache")


def steps():
    """Yield (text before, language, content) for each block of the guide up to its last chapter."""
    text = (ROOT / "docs/guides/add-your-app.md").read_text().split("## Further")[0]
    end = 0
    for block in BLOCK.finditer(text):
        yield text[end : block.start()].strip(), block[1], block[2]
        end = block.end()


@pytest.fixture
def checkout(tmp_path):
    """A copy of this checkout that shares its packages."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*IGNORED), symlinks=True)
    for name in (".venv", ".tools", "node_modules"):
        if (ROOT / name).exists():
            (copy / name).symlink_to(ROOT / name)
    yield copy
    run(copy, "make stop")


def run(checkout, script):
    """Run lines of the guide in a shell, as a person without the tests' environment would."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=checkout,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


def test_every_step_of_the_guide_works(checkout):
    target, old = None, None
    for before, language, content in steps():
        if language == "sh":
            run(checkout, content)
        elif found := FILE.search(before):
            path = checkout / found[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        elif found := REPLACE.search(before):
            target, old = (checkout / found[1] if found[1] else target), content
        else:
            assert before.endswith("with"), f"No instruction before:\n{content}"
            text = Path(target).read_text()
            assert text.count(old) == 1, f"{target} has not one:\n{old}"
            Path(target).write_text(text.replace(old, content))
