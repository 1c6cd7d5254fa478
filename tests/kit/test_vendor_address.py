"""A vendor's address that is wrong is reported with what it answered."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import structlog

from kit import outbound
from kit.management.vendor_command import VendorCommand
from kit.outbound import UnreadableAnswer, VendorUnavailable
from tests.harness.plugin import ROOT, free_port
from tests.harness.stack import run_program

PLAIN = (404, "text/plain", "Not Found")
PAGE = (200, "text/html; charset=utf-8", "<!doctype html>")


@pytest.fixture
def serve():
    """Serve one answer to every request, and return the address."""
    servers = []

    def start(status, kind, body):
        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

            def log_message(self, *_):
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("answer", [PLAIN, PAGE, (404, "application/problem+json", "{}")])
def test_answer_without_json_is_refused_and_logged(serve, answer):
    address = serve(*answer)

    with (
        structlog.testing.capture_logs() as logged,
        pytest.raises(UnreadableAnswer, match=f"{address}/v1/x answered {answer[0]} with "),
    ):
        outbound.create_session().get(f"{address}/v1/x?secret=1")

    assert [(line["event"], line["address"], line["status"]) for line in logged] == [
        ("vendor_answer_unreadable", f"{address}/v1/x", answer[0])
    ]


@pytest.mark.parametrize(
    "answer",
    [
        (404, "application/json", "{}"),
        (200, "application/json; charset=utf-8", "{}"),
        (502, "text/html", "busy"),
    ],
)
def test_answer_of_a_vendor_passes(serve, answer):
    session = outbound.create_session()

    assert session.get(serve(*answer)).status_code == answer[0]


@pytest.mark.parametrize(
    ("command", "variable", "answer"),
    [
        (["sync_catalog"], "STRIPE_BASE_URL", PLAIN),
        (["pull_directory", "--all"], "STYTCH_BASE_URL", PAGE),
    ],
)
def test_command_names_address_and_status_in_one_line(committed, serve, command, variable, answer):
    address = serve(*answer)

    done = run_program([str(ROOT / "src/manage.py"), *command], **{variable: address})

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("CommandError: ")]
    assert f"{address}/v1/" in line
    assert f"answered {answer[0]} with" in line
    assert line.endswith(f"Check {variable}.")


@pytest.fixture
def unreachable(capsys):
    """A command that calls an address where no one listens."""
    address = f"http://127.0.0.1:{free_port()}"

    class Command(VendorCommand):
        requires_system_checks = []

        def handle(self, *_, **__):
            try:
                outbound.create_session().get(f"{address}/v1/x")
            except requests.RequestException:
                raise VendorUnavailable("stripe") from None

    return Command(), address


def test_command_names_the_address_that_does_not_answer(unreachable, capsys):
    command, address = unreachable

    with pytest.raises(SystemExit):
        command.run_from_argv(["manage.py", "call"])

    line = f"CommandError: Stripe does not answer: {address}/v1/x, ConnectionError.\n"
    assert capsys.readouterr().err.endswith(line)


def test_command_shows_its_traceback_when_asked(unreachable):
    command, _address = unreachable

    with pytest.raises(VendorUnavailable):
        command.run_from_argv(["manage.py", "call", "--traceback"])
