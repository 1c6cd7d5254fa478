"""Provide a database per process, the running stack, and organizations to all tests."""

import django.db
import pytest

from tests.harness import databases
from tests.harness.clients import Api, Sandbox
from tests.harness.organizations import OrganizationFactory
from tests.harness.settling import settle
from tests.harness.stack import Stack


@pytest.fixture(scope="session")
def django_db_setup():
    """Create and drop this process's clone of the migrated template database.

    Replaces the fixture of pytest-django.
    """
    databases.create()
    yield
    django.db.connections.close_all()
    databases.drop()


@pytest.fixture(scope="session")
def stack(django_db_setup, django_db_blocker, tmp_path_factory):
    """Start the sandbox, the web server (web role) and the worker (owner role) on real ports."""
    running = Stack(tmp_path_factory.mktemp("stack"))
    with django_db_blocker.unblock():
        running.start()
        django.db.connections.close_all()
    yield running
    running.stop()


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """Commit transactions, as the owner of the tables.

    Nothing is deleted afterwards, so a test creates its own organization.
    """
    with django_db_blocker.unblock():
        yield
        django.db.connections.close_all()


@pytest.fixture
def sandbox(stack):
    """Return a client of the sandbox's control plane, and remove all faults after the test."""
    control = Sandbox()
    yield control
    control.delete("/faults")
    control.post("/webhooks")
    control.close()


@pytest.fixture
def api(stack):
    """Return an HTTP client of the API."""
    client = Api()
    yield client
    client.close()


@pytest.fixture
def wait_until_settled(sandbox, committed):
    """Return a function that waits until every webhook is delivered and every due job has run."""
    return lambda seconds=60.0: settle(sandbox, seconds)


@pytest.fixture
def drop_webhooks(sandbox, wait_until_settled):
    """Return a function that waits until earlier webhooks are handled and drops later ones of Stytch."""

    def drop():
        wait_until_settled()
        sandbox.post("/webhooks", drop=1000, vendor="stytch")

    return drop


@pytest.fixture(scope="session")
def organization_factory(stack):
    """Create organizations with signed-in people through the API."""
    factory = OrganizationFactory()
    yield factory
    factory.front_end.close()


@pytest.fixture
def front_end(organization_factory):
    """Call the API as a front end does: sign up, invite, accept, pay."""
    return organization_factory.front_end


@pytest.fixture
def new_organization(organization_factory):
    """Create an organization that the test may change."""
    return organization_factory.create_organization()


@pytest.fixture
def acme(organization_factory):
    """Return the organization that tests share and never change."""
    return organization_factory.get_shared_organization("acme")


@pytest.fixture
def globex(organization_factory):
    """Return the other shared organization, whose people are outsiders to `acme`."""
    return organization_factory.get_shared_organization("globex")
