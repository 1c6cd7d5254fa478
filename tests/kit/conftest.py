"""Provide clients of the example views."""

import pytest
from django.test import Client


@pytest.fixture
def anonymous_client(settings):
    """Return a client without a session; an exception becomes an answer."""
    settings.ROOT_URLCONF = "tests.kit.routes"
    return Client(raise_request_exception=False)


@pytest.fixture
def signed_in_client(settings):
    """Return a client with a session of the organization Acme that may read the shelf."""
    settings.ROOT_URLCONF = "tests.kit.routes"
    return Client(headers={"authorization": "Bearer acme"})
