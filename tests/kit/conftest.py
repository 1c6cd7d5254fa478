"""Clients of the throw-away views."""

import pytest
from django.test import Client


@pytest.fixture
def anyone(settings):
    """Without a session; failures come back as answers."""
    settings.ROOT_URLCONF = "tests.kit.routes"
    return Client(raise_request_exception=False)


@pytest.fixture
def acme(settings):
    """A session of the organization Acme that may read the shelf."""
    settings.ROOT_URLCONF = "tests.kit.routes"
    return Client(headers={"authorization": "Bearer acme"})
