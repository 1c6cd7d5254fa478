"""Fixtures for all: a database of one's own, the running stack, and the cast."""

import django.db
import pytest

from tests.harness import databases
from tests.harness.cast import Casting
from tests.harness.clients import Api, Sandbox
from tests.harness.settling import settle
from tests.harness.stack import Stack


@pytest.fixture(scope="session")
def django_db_setup():
    """Replaces pytest-django's: this process's clone of the migrated template."""
    databases.create()
    yield
    django.db.connections.close_all()
    databases.drop()


@pytest.fixture(scope="session")
def stack(django_db_setup, tmp_path_factory):
    """Sandbox, web server (web role) and worker (owner role), on real ports."""
    running = Stack(tmp_path_factory.mktemp("stack"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """Real transactions, as the owner: for what a rolled-back test cannot show. Nothing is
    cleared afterwards, so make an organization of your own."""
    with django_db_blocker.unblock():
        yield
        django.db.connections.close_all()


@pytest.fixture
def sandbox(stack):
    """The sandbox's control plane, calm at the start and at the end of each test."""
    control = Sandbox()
    yield control
    control.delete("/faults")
    control.post("/webhooks")
    control.close()


@pytest.fixture
def api(stack):
    """An HTTP client of the API."""
    client = Api()
    yield client
    client.close()


@pytest.fixture
def settled(sandbox, committed):
    """Call it to wait until every webhook is delivered and every due job has run."""
    return lambda seconds=60.0: settle(sandbox, seconds)


@pytest.fixture
def drop_webhooks(sandbox, settled):
    """Call it to lose all further webhooks of Stytch, after those of the past have been handled."""

    def drop():
        settled()
        sandbox.post("/webhooks", drop=1000, vendor="stytch")

    return drop


@pytest.fixture(scope="session")
def casting(stack):
    """Makes people and companies through the API."""
    agency = Casting()
    yield agency
    agency.world.close()


@pytest.fixture
def world(casting):
    """The API as a person uses it: sign up, invite, accept, pay."""
    return casting.world


@pytest.fixture
def company(casting):
    """A company of the test's own: change what you like."""
    return casting.company()


@pytest.fixture
def acme(casting):
    """The company that most tests look at; shared, so change nothing."""
    return casting.lent("acme")


@pytest.fixture
def globex(casting):
    """The other company, whose admin is the outsider; shared, so change nothing."""
    return casting.lent("globex")
