"""The inbound half of webhooks as a Django app of the public schema."""

from django.apps import AppConfig


class InboundConfig(AppConfig):
    """Configure the app under the label `inbound`."""

    name = "webhooks.inbound"
    label = "inbound"
    verbose_name = "Inbound events"
