"""The event log as a Django app of every tenant schema."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Configure the app whose tables live in each organization's schema."""

    name = "events"
