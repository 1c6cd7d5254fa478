"""Commands typed from habit work in an activated environment, or say which command does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def shell():
    """Run a line in this checkout as after `source .venv/bin/activate`, without any variable of ours."""

    def run(line, folder=ROOT, **environment):
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
        }
        return subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=own | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("folder", "path"), [(ROOT, "tests/kit"), (ROOT / "tests", "kit"), (ROOT / "tests/kit", ".")]
)
def test_plain_pytest_runs_tests_of_the_database(shell, folder, path):
    done = shell(f"pytest -q {path}/test_health.py -k migrated_database", folder)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("folder", "program"), [(ROOT, "src/manage.py"), (ROOT / "src", "manage.py")]
)
def test_manage_uses_the_development_environment(shell, folder, program):
    line = "from django.conf import settings; print(settings.ENVIRONMENT)"
    done = shell(f"python {program} shell -v0 -c '{line}'", folder)

    assert done.stdout == "development\n", done.stderr
    assert "make run" in done.stderr


def test_manage_in_production_names_what_is_missing(shell):
    done = shell("python src/manage.py check", ENVIRONMENT="production")

    assert done.returncode == 1
    assert "SECRET_KEY: field required" in done.stderr
    assert "python -m devserver with -- COMMAND" in done.stderr


def test_manage_without_a_development_server_names_what_is_missing(shell, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    done = shell("python src/manage.py check", tmp_path, PYTHONPATH=str(tmp_path / "src"))

    assert done.returncode == 1
    assert "SECRET_KEY: field required" in done.stderr
    assert "devserver" not in done.stderr


@pytest.mark.parametrize(
    ("target", "command"), [("shell", "shell begins"), ("psql", "dbshell begins")]
)
def test_make_opens_a_shell(checkout, target, command):
    checkout.root.joinpath(".venv").symlink_to(ROOT / ".venv")
    make = checkout.start_program("make", "-f", str(ROOT / "Makefile"), "-o", "setup", target)

    assert make.wait(timeout=60) == 0
    assert checkout.says(command)


def test_copied_environment_is_not_taken_for_this_checkouts(tmp_path):
    """A copied .venv starts the programs of the folder it came from."""
    script = ROOT.joinpath("scripts/setup").read_text()
    functions = script[script.index("starts()") : script.index("is_done()")]
    tmp_path.joinpath("shared").mkdir()
    tmp_path.joinpath("shared/.venv").symlink_to(ROOT / ".venv")

    def is_here(folder):
        return subprocess.run(["sh", "-c", f"{functions}\nis_here"], cwd=folder, check=False)

    assert is_here(ROOT).returncode == 0
    assert is_here(tmp_path / "shared").returncode == 0
    copy = tmp_path / "copy"
    copy.joinpath(".venv/bin").mkdir(parents=True)
    copy.joinpath(".venv/bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    copy.joinpath(".venv/bin/python").chmod(0o755)
    assert is_here(copy).returncode != 0
