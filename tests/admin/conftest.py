"""Staff in front of the admin, and one row of every kind to look at."""

import pytest
from django.test import Client

from tests.admin.rows import Rows


@pytest.fixture
def staff(admin_user):
    """A browser with a superuser signed in."""
    browser = Client()
    browser.force_login(admin_user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def rows(admin_user):
    """One of everything, all of one organization."""
    return Rows(admin_user)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A million rounds per sign-in would be most of the time these tests take."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
