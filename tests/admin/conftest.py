"""Provide a browser of staff, and one row for every page of the admin."""

import pytest

from tests.admin.browsers import open_staff_browser
from tests.admin.rows import Rows


@pytest.fixture
def staff_client(admin_user):
    """Return a browser in which a superuser is signed in with both factors."""
    return open_staff_browser(admin_user)


@pytest.fixture
def rows(admin_user):
    """Create one row of every model, all of one organization."""
    return Rows(admin_user)


@pytest.fixture(autouse=True)
def fast_password_hasher(settings):
    """Hash passwords with MD5; a million rounds per sign-in would take most of the time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
