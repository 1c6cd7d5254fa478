"""The event log as a Django app of every tenant schema."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    """Lives in each organization's schema; what happens before or across tenants is not here."""

    name = "events"
