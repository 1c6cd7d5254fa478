"""Open browsers of staff, with one or both factors of the sign-in shown."""

from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.admin.rows import SECRET_KEY


def open_password_browser(user):
    """Return a browser in which only the password was shown."""
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def open_staff_browser(user):
    """Return a browser in which both factors were shown."""
    device, _ = TOTPDevice.objects.get_or_create(
        user=user, confirmed=True, defaults={"name": "authenticator", "key": SECRET_KEY}
    )
    browser = open_password_browser(user)
    session = browser.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return browser
