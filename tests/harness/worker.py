"""Run the product's worker without periodic tasks, which would disturb the running test."""

import os

import django
from django.core.management import call_command
from procrastinate.contrib.django import app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if __name__ == "__main__":
    django.setup()
    app.periodic_registry.periodic_tasks.clear()
    call_command("worker")
