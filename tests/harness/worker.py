"""The worker of the tests: the product's, without the clock.

What the clock defers, every half minute and in the small hours, would disturb the test that runs
just then; a test about a task of the clock calls it.
"""

import os

import django
from django.core.management import call_command
from procrastinate.contrib.django import app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if __name__ == "__main__":
    django.setup()
    app.periodic_registry.periodic_tasks.clear()
    call_command("worker")
