"""What the sandbox's tests stand on.

A server in a thread, its control plane, a receiver.
"""

import contextlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn
from stytch.core.response_base import StytchError

from sandbox.app import create_app
from sandbox.settings import Settings
from tests.harness.clients import Sandbox
from tests.harness.plugin import free_port
from tests.harness.stack import poll


def settings(**options):
    return Settings(port=free_port(), smtp_port=free_port(), **options)


class Served:
    """A sandbox on its own port, in a thread."""

    def __init__(self, chosen):
        self.settings = chosen
        self.url = f"http://127.0.0.1:{chosen.port}"
        self.app = create_app(chosen)
        config = uvicorn.Config(self.app, port=chosen.port, log_level="critical", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        poll(lambda: self._server.started)
        return self

    @property
    def connections(self):
        return self._server.server_state.connections

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(10)


class Control(Sandbox):
    """The control plane, with a clock to move."""

    def mails(self, email):
        return self.get("/inbox", email=email)["mails"]

    def advance(self, **lengths):
        factors = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.post("/clock/advance", seconds=sum(factors[k] * v for k, v in lengths.items()))


class Receiver:
    """A tiny HTTP server that keeps what it is sent."""

    def __init__(self):
        self.received = []
        self.statuses = []
        handler = type("Handler", (Endpoint,), {"receiver": self})
        self._server = QuietServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def clear(self):
        self.received.clear()
        self.statuses.clear()

    def events(self, **wanted):
        """What came, parsed, in order of arrival.

        Only those with the wanted fields.
        """
        bodies = [json.loads(body) for _, _, body in list(self.received)]
        return [body for body in bodies if wanted.items() <= body.items()]


class QuietServer(ThreadingHTTPServer):
    """Says nothing when the sandbox hangs up, as it does at a reset."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Endpoint(BaseHTTPRequestHandler):
    """Answer 200, or the next status a test set."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return  # the sandbox hung up, as it does at a reset
        self.receiver.received.append((self.path, dict(self.headers), body))
        self.send_response(self.receiver.statuses.pop(0) if self.receiver.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def refused(error_type, status):
    """The SDK must raise this refusal."""
    with pytest.raises(StytchError) as caught:
        yield
    details = caught.value.details
    assert (details.error_type, details.status_code) == (error_type, status)
