"""`make run` brings everything up, shows it in one stream, and takes all of it down again."""

import os
import signal
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from devserver.children import Children
from devserver.tests.conftest import checkouts
from tests.harness.stack import poll

ROOT = Path(__file__).parents[3]
ELSEWHERE = {"DATABASE_URL": "postgresql://w@db/x", "DATABASE_OWNER_URL": "postgresql://o@db/x"}


@pytest.fixture
def make_checkout(make_checkout):
    """Without a database of its own, which none of the programs that stand in would use."""

    def make(name="a checkout"):
        made = make_checkout(name)
        made.variables = dict(ELSEWHERE)
        return made

    return make


@pytest.fixture
def checkout(make_checkout):
    return make_checkout()


@pytest.fixture(scope="module")
def up():
    """A run that many tests look at."""
    with checkouts() as make:
        running = make()
        running.run()
        yield running


def test_everything_is_up_when_it_says_ready(up):
    for port in up.ports.values():
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200
    assert up.log("migrate") == "migrate_all begins\n"
    assert up.log("worker") == "worker begins\n"
    assert up.log("seed") == f"created over http://127.0.0.1:{up.ports['WEB_PORT']}\n"


def test_database_is_stopped_when_the_run_has_ended(checkout):
    checkout.variables = {}
    run = checkout.run()
    run.send_signal(signal.SIGTERM)
    run.wait(timeout=12)

    assert not checkout.processes("postgres")


def test_database_stays_for_a_command_that_outlives_the_run(checkout):
    checkout.variables = {}
    run = checkout.run()
    checkout.start("with", "--", "sh", "-c", "echo held; exec sleep 60")
    poll(lambda: checkout.says("held"))
    run.send_signal(signal.SIGTERM)
    run.wait(timeout=12)

    assert checkout.processes("postgres")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signal_stops_everything_it_started(checkout, number):
    run = checkout.run()
    run.send_signal(number)

    assert run.wait(timeout=10) == 0
    poll(checkout.is_empty, what="an empty machine")


def test_program_that_ignores_the_request_is_ended_all_the_same(checkout):
    run = checkout.run(STANDIN="ignores signals")
    run.send_signal(signal.SIGTERM)

    assert run.wait(timeout=60) == 0
    poll(checkout.is_empty, what="an empty machine")


def test_second_signal_does_not_wait():
    children = Children(quiet=True)
    child = children.start_aloud(["sh", "-c", "trap '' TERM; exec sleep 600"], os.environ)
    poll(lambda: psutil.Process(child.process.pid).name() == "sleep", what="the program")
    children.signals += [signal.SIGINT, signal.SIGINT]
    begun = time.monotonic()
    children.stop(grace=120)

    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - begun < 60


def test_killed_run_leaves_no_orphans(checkout):
    run = checkout.run(STANDIN="ignores signals")
    run.kill()
    run.wait()

    poll(checkout.is_empty, what="an empty machine")


def test_next_run_ends_what_a_killed_one_left(checkout):
    run = checkout.run(STANDIN="child ignores signals")
    run.kill()
    run.wait()
    poll(lambda: not checkout.processes("granian"))
    (left,) = checkout.processes("while :")
    checkout.root.joinpath("output.txt").unlink()

    checkout.run()

    assert checkout.says("left behind")
    assert not left.is_running()


def test_crash_ends_the_run_with_the_last_lines(checkout):
    run = checkout.start("run", STANDIN="crash")

    assert run.wait(timeout=60) == 1
    assert (
        f"worker ended with status 1 ({checkout.root}/.devserver/logs/worker.log)."
        in checkout.output
    )
    assert checkout.output.rstrip().endswith("worker failed on purpose")
    poll(checkout.is_empty, what="an empty machine")


def test_killed_web_server_ends_the_run(checkout):
    run = checkout.run()
    checkout.processes("granian")[0].kill()

    assert run.wait(timeout=20) == 1
    assert checkout.says("web was ended by signal 9")


def test_killed_database_ends_the_run(checkout):
    checkout.variables = {}
    run = checkout.run()
    checkout.processes("bin/postgres")[0].kill()

    assert run.wait(timeout=30) == 1
    assert checkout.says("PostgreSQL has ended")
    poll(checkout.is_empty, what="an empty machine")


def test_failed_migration_starts_nothing(checkout):
    run = checkout.start("run", STANDIN="broken migration")

    assert run.wait(timeout=60) == 1
    assert checkout.says("relation is missing")
    assert not checkout.says("worker begins")


def test_changed_file_restarts_the_product(checkout):
    checkout.run()
    checkout.root.joinpath("src/config/wsgi.py").touch()

    poll(lambda: checkout.says("src/config/wsgi.py changed: restarting worker and web"))
    poll(lambda: checkout.says("worker │ worker begins"))
    assert checkout.log("worker").count("worker begins") == 2


def test_second_run_in_a_checkout_is_refused(up):
    second = up.do("run")

    assert second.returncode == 1
    assert "runs already" in second.stderr


def test_two_checkouts_run_side_by_side(make_checkout):
    one, other = make_checkout("one"), make_checkout("other")
    other.ports = {}
    one.ports = {}
    one.run()
    other.run()

    one.do("stop")
    poll(one.is_empty, what="an empty machine")
    assert other.processes("granian")


def test_taken_port_is_refused_when_asked_for(up, checkout):
    checkout.ports = up.ports
    done = checkout.do("run")

    assert done.returncode == 1
    assert f"Port {up.ports['WEB_PORT']} is taken" in done.stderr


def test_stop_ends_a_run(checkout):
    run = checkout.run()

    assert checkout.do("stop").stdout == "Stopped.\n"
    assert run.wait(timeout=10) == 0
    poll(checkout.is_empty, what="an empty machine")
    assert checkout.do("stop").stdout == "Nothing runs here.\n"


def test_command_runs_against_everything_and_gives_its_status(checkout):
    script = "echo reached $PUBLIC_URL; exit 4"
    done = checkout.do("run", "--", "sh", "-c", script)

    assert done.returncode == 4
    assert done.stdout == f"reached http://127.0.0.1:{checkout.ports['WEB_PORT']}\n"
    poll(checkout.is_empty, what="an empty machine")


def test_greeting_names_an_account_whose_password_stays(checkout):
    run = checkout.run()
    password = checkout.root.joinpath(".devserver/staff_password")
    variables = f"staff@demo.example / {password.read_text()}"
    run.send_signal(signal.SIGTERM)
    run.wait(timeout=10)
    checkout.root.joinpath("output.txt").unlink()
    checkout.run()

    assert checkout.says(variables)
    assert password.stat().st_mode & 0o077 == 0
    assert checkout.log("staff") == "make_development_staff begins\n"


def test_real_vendor_gets_no_account_with_a_printed_password(checkout):
    checkout.variables["STRIPE_SECRET_KEY"] = "sk_test_real"
    checkout.run()

    assert not checkout.says("staff@demo.example")
    assert not checkout.says("make demo")
    assert "real one" in checkout.do("token").stderr


def test_output_into_a_file_has_no_styles(checkout):
    checkout.run()

    assert "\033" not in checkout.output


def test_token_is_all_that_is_printed(up):
    assert up.do("token", "--role", "admin").stdout == "token of the admin\n"


def test_token_needs_a_run(checkout):
    done = checkout.do("token")

    assert done.returncode == 1
    assert "make run" in done.stderr


def test_killed_make_takes_its_command_along(checkout):
    checkout.root.joinpath(".venv").symlink_to(ROOT / ".venv")
    make = checkout.start_program("make", "-f", str(ROOT / "Makefile"), "-o", "setup", "run")
    poll(lambda: checkout.says("Ready."), seconds=60, what="a run")
    make.kill()
    make.wait()

    poll(checkout.is_empty, what="an empty machine")
