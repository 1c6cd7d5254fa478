"""State and start.

What survives a kill, what is refused, and that calls are quick.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import stytch

from sandbox.deliveries import Deliveries
from sandbox.settings import Settings
from sandbox.store import Store
from sandbox.tests.support import Control
from tests.harness.plugin import free_port
from tests.harness.stack import client, poll

SOURCE = Path(__file__).parents[2]


class Process:
    """The sandbox as `python -m sandbox` starts it."""

    def __init__(self, state):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            "PYTHONPATH": str(SOURCE),
            "PYTHONPYCACHEPREFIX": sys.pycache_prefix or "",
            "SANDBOX_PORT": str(self.port),
            "SANDBOX_STATE": str(state),
            "SANDBOX_WEBHOOK_BASE": "http://127.0.0.1:9/webhooks",
        }

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-m", "sandbox"], env=self.environ)
        poll(self._answers, seconds=30)
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def _answers(self):
        assert self.process.poll() is None
        try:
            with client(timeout=20) as asking:
                return asking.get(f"{self.url}/_sandbox/clock").is_success
        except httpx.TransportError:
            return False

    def client(self):
        chosen = Settings()
        return stytch.B2BClient(
            project_id=chosen.stytch_project_id, secret=chosen.stytch_secret, environment=self.url
        )


def test_state_keys_and_clock_survive_a_kill(tmp_path):
    state = tmp_path / "deep" / "sandbox.sqlite3"
    with Process(state) as first:
        control, client = Control(first.url), first.client()
        client.magic_links.email.discovery.send("ada@acme.example")
        found = client.magic_links.discovery.authenticate(control.mail("ada@acme.example")["token"])
        made = client.discovery.organizations.create(
            found.intermediate_session_token, organization_name="Acme", session_duration_minutes=60
        )
        control.advance(minutes=10)
        control.close()
        first.kill()

    with Process(state) as second:
        control, client = Control(second.url), second.client()
        proven = client.sessions.authenticate(session_jwt=made.session_jwt)
        assert proven.member.is_admin
        assert client.sessions.authenticate_jwt_local(made.session_jwt).member_id == made.member_id
        assert control.get("/clock")["offset"] == 600
        assert control.mail("ada@acme.example")["kind"] == "discovery"
        pending = {
            record["outcome"] for record in control.get("/webhooks/deliveries")["deliveries"]
        }
        assert pending == {"pending"}
        control.close()


@pytest.mark.parametrize(
    "environ",
    [
        {"SANDBOX_HOST": "0.0.0.0"},
        {"SANDBOX_PORT": "many"},
        {"STYTCH_PROJECT_ID": "project-live-1"},
        {"STYTCH_SECRET": "secret-live-1"},
        {"STRIPE_SECRET_KEY": "sk_live_1"},
        {"STRIPE_SECRET_KEY": "rk_live_1"},
    ],
)
def test_live_keys_and_open_addresses_are_refused(environ):
    with pytest.raises(SystemExit, match=r"[A-Z].+\."):
        Settings.from_environ(environ)


def test_empty_variables_count_as_absent():
    chosen = Settings.from_environ({"SANDBOX_PORT": "", "STYTCH_SECRET": "", "SANDBOX_HOST": "::1"})

    assert (chosen.port, chosen.public_url) == (8600, "http://[::1]:8600")


@pytest.mark.parametrize("persistent", [False, True])
def test_store_keeps_the_order_of_first_insertion(tmp_path, persistent):
    path = str(tmp_path / "s.sqlite3") if persistent else ""
    store = Store(path)
    for id_ in ("b", "a", "c"):
        store.put_document("letter", id_, {"id": id_})
    store.put_document("letter", "b", {"id": "b", "again": True})
    store.delete_document("letter", "a")
    store.commit()

    reopened = Store(path) if persistent else store

    assert reopened.list_documents("letter") == [{"id": "b", "again": True}, {"id": "c"}]
    store.close()
    reopened.close()


def test_store_hands_out_copies():
    store = Store()
    store.put_document("thing", "1", {"list": []})

    store.find_document("thing", "1")["list"].append("mine")

    assert store.find_document("thing", "1") == {"list": []}


def test_cleared_store_keeps_the_named_kinds(tmp_path):
    store = Store(str(tmp_path / "s.sqlite3"))
    store.put_document("key", "1", {})
    store.put_document("other", "1", {})

    store.clear(keep=("key",))

    assert (store.count_documents("key"), store.count_documents("other")) == (1, 0)
    store.close()


def test_answers_wait_for_no_acknowledgement(served, acme):
    """A server that writes head and body in two packets, and lets the second wait.

    44 ms a call.
    """
    connection = next(iter(served.connections))

    line = connection.transport.get_extra_info("socket")
    assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_delivery_that_breaks_off_is_failed_and_holds_no_drain():
    async def scene():
        deliveries = Deliveries(Store(), webhook_base="http://127.0.0.1:no-port")
        deliveries.send(vendor="stytch", event_id="m", type="t", body=b"{}", sign=lambda *_: {})
        pending = await deliveries.drain(within=60)
        return pending, deliveries.list_records()[0]

    pending, record = asyncio.run(scene())

    assert (pending, record["outcome"]) == (0, "failed")
    assert "Invalid port" in record["attempts"][-1]["error"]
