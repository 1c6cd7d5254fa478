"""The sandbox on a real port, the real SDK, and a small receiver for its webhooks."""

import pytest
import stytch

from sandbox.tests.shop import Shop, check_events, stripe_client
from sandbox.tests.support import Control, Receiver, Served, settings


@pytest.fixture(scope="session")
def receiver():
    """Collects what the sandbox POSTs.

    A test can make its answers fail.
    """
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def served(receiver):
    """A sandbox in this process, its state in memory."""
    with Served(settings(webhook_base=receiver.url)) as running:
        yield running


@pytest.fixture
def control(served, receiver):
    """The control plane.

    The sandbox is reset before each test.
    """
    plane = Control(served.url)
    plane.post("/webhooks/drain", within=0.05)  # else the last test's would arrive in this one
    plane.post("/reset")
    receiver.clear()
    yield plane
    plane.close()


@pytest.fixture
def client(served, control):
    """The unmodified SDK, pointed at the sandbox."""
    chosen = served.settings
    return stytch.B2BClient(
        project_id=chosen.stytch_project_id, secret=chosen.stytch_secret, environment=served.url
    )


@pytest.fixture
def acme(client):
    """An organization without members."""
    return client.organizations.create(
        organization_name="Acme", organization_slug="acme"
    ).organization


@pytest.fixture
def ada(client, acme):
    """Acme's admin."""
    return client.organizations.members.create(
        acme.organization_id, "ada@acme.example", name="Ada", roles=["stytch_admin"]
    ).member


@pytest.fixture
def signed_in(client, control):
    """Signs a member in through the mailed link and returns the answer."""

    def sign_in(organization_id, email, **options):
        client.magic_links.email.login_or_signup(organization_id, email)
        return client.magic_links.authenticate(control.mail(email)["token"], **options)

    return sign_in


@pytest.fixture
def proven(client, control):
    """Proves an address through discovery and returns the answer."""

    def prove(email):
        client.magic_links.email.discovery.send(email)
        return client.magic_links.discovery.authenticate(control.mail(email)["token"])

    return prove


@pytest.fixture
def shop(served, control, receiver):
    """A shop at the Stripe sandbox.

    Afterwards every event it caused is held to its schema.
    """
    yield Shop(stripe_client(served), control, receiver)
    check_events(served.app.world.store)
