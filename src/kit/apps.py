"""The kit as a Django app: its commands, its checks, and the discovery of what slices register."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class KitConfig(AppConfig):
    """Discovers each slice's registrations; `tasks` are discovered by the queue's own app."""

    name = "kit"

    def ready(self) -> None:
        """Import what only registers itself, once all models are there."""
        autodiscover_modules("permissions", "event_types", "checks", "handlers", "receivers")
