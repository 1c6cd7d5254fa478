"""`make run` is quiet until everything is ready, and two of them never take the same port."""

import os

import pytest

from devserver import locks, ports
from devserver.tests.test_run import ELSEWHERE
from support.errors import Refusal
from tests.harness.plugin import free_port
from tests.harness.stack import poll


@pytest.fixture
def make_checkout(make_checkout):
    """Without a database of its own, which none of these programs would use."""

    def make(name="a checkout"):
        made = make_checkout(name)
        made.variables = dict(ELSEWHERE)
        return made

    return make


@pytest.fixture
def checkout(make_checkout):
    return make_checkout()


def test_nothing_of_the_programs_is_printed_before_ready(checkout):
    checkout.run()
    before = checkout.output.partition("Ready.")[0]

    assert "begins" not in before
    steps = [line.partition("starting: ")[2] for line in before.splitlines() if "starting" in line]
    assert steps == [
        "database",
        "sandbox and migrations",
        "API and worker",
        "plans and the demo organization",
    ]


def test_greeting_comes_before_any_line_of_a_program(checkout):
    checkout.run()
    lines = checkout.output.splitlines()

    assert [line for line in lines if "│" in line and "devserver │" not in line] == []
    assert f"http://127.0.0.1:{checkout.ports['WEB_PORT']}/docs" in checkout.output


def test_logs_have_no_styles_and_the_run_before_is_kept(checkout):
    run = checkout.run()
    checkout.do("stop")
    run.wait(timeout=10)
    checkout.root.joinpath("output.txt").unlink()
    checkout.run()

    earlier = checkout.root / ".devserver/logs.earlier"
    assert earlier.joinpath("worker.log").read_text() == checkout.log("worker") == "worker begins\n"


def test_failure_at_the_start_shows_errors_of_the_other_programs(checkout):
    run = checkout.start("run", STANDIN="broken catalog")

    assert run.wait(timeout=60) == 1
    assert checkout.says("CommandError: Stripe answered 404")
    assert checkout.says("worker: 09:00:00 [error    ] vendor_answer_unreadable status=404")


def test_two_checkouts_started_at_once_take_different_ports(make_checkout):
    both = [make_checkout("one"), make_checkout("other")]
    for each in both:
        each.ports = {}
    runs = [each.start("run", STANDIN="slow start") for each in both]

    for each, run in zip(both, runs, strict=True):
        poll(lambda c=each, r=run: c.says("Ready.") or r.poll() is not None, seconds=60)
        assert run.poll() is None, each.output
    addresses = [each.root.joinpath(".devserver/addresses.json").read_text() for each in both]
    assert addresses[0] != addresses[1]


@pytest.fixture
def leases(tmp_path, monkeypatch):
    """A folder of leases for one test."""
    held = []
    monkeypatch.setattr(ports, "LEASES", tmp_path / "ports")
    monkeypatch.setattr(ports, "_leases", held)
    yield tmp_path / "ports"
    for descriptor in held:
        os.close(descriptor)


def test_leased_port_is_skipped(leases):
    first = free_port()
    leases.mkdir(mode=0o700)
    other = locks.hold_exclusive(leases / str(first))

    assert ports.lease_port(None, usual=first) > first
    with pytest.raises(Refusal, match=f"Port {first} is taken"):
        ports.lease_port(str(first), usual=1)
    os.close(other)


def test_port_is_leased_once(leases):
    first = ports.lease_port(None, usual=free_port())

    assert ports.lease_port(None, usual=first) > first


def test_folder_of_leases_of_another_account_is_refused(leases, tmp_path):
    tmp_path.joinpath("elsewhere").mkdir()
    leases.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refusal, match="is not ours"):
        ports.lease_port(None, usual=free_port())
