"""Provide two organizations, one of which has a row of every model."""

import pytest

from tests.contract import table
from tests.harness.settling import settle


@pytest.fixture(scope="session")
def owned_rows():
    """Return the rows of organizations by slug, created once per process."""
    return {}


@pytest.fixture
def acme(organization_factory):
    """Return a shared organization, which the generated tests may subscribe."""
    return organization_factory.get_shared_organization("contract-acme")


@pytest.fixture
def owned(acme, api, front_end, sandbox, committed, owned_rows):
    """Create the rows of acme by each app, once; it has a subscription."""
    if acme.slug not in owned_rows:
        rows = {}
        for app in table.APPS:
            if hasattr(app, "make_owned"):
                rows |= app.make_owned(acme, api, front_end)
        settle(sandbox, 60)
        owned_rows[acme.slug] = table.Owned(rows)
    return owned_rows[acme.slug]
