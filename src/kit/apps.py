"""Configure the kit as a Django app, which imports what the other apps register."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

REGISTRATIONS = (
    "permissions", "event_types", "checks", "counters", "handlers", "receivers", "metrics",
)  # fmt: skip


class KitConfig(AppConfig):
    """Import each app's registrations at start-up.

    The queue's own app discovers `tasks` modules.
    """

    name = "kit"

    def ready(self) -> None:
        """Import the modules that register themselves, once all models are loaded."""
        autodiscover_modules(*REGISTRATIONS)
