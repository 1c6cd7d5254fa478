"""Two organizations, one of which has a row of everything."""

import pytest

from tests.contract import table
from tests.harness.settling import settle


@pytest.fixture(scope="session")
def made():
    return {}


@pytest.fixture
def acme(organization_factory):
    return organization_factory.get_shared_organization("contract-acme")


@pytest.fixture
def globex(organization_factory):
    return organization_factory.get_shared_organization("contract-globex")


@pytest.fixture
def owned(acme, api, front_end, sandbox, committed, made):
    """The things of acme, made by each app once; it pays, so that billing has rows, too."""
    if acme.slug not in made:
        things = {}
        for app in table.APPS:
            if hasattr(app, "make_owned"):
                things |= app.make_owned(acme, api, front_end)
        settle(sandbox, 60)
        made[acme.slug] = table.Owned(things)
    return made[acme.slug]
