"""WSGI application of the web server, which runs with the web role's rights."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ["PROCESS"] = "web"

application = get_wsgi_application()

from kit import pooling  # noqa: E402 - needs the settings, which need PROCESS

pooling.require_own_sessions()
