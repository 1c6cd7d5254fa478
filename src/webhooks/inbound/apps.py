"""The inbound half of webhooks as a Django app of the public schema."""

from django.apps import AppConfig


class InboundConfig(AppConfig):
    """Labelled `inbound`: the package's own name belongs to both halves."""

    name = "webhooks.inbound"
    label = "inbound"
    verbose_name = "Inbound events"
