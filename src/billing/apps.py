"""Billing as a Django app of the public schema."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """The control plane's agreements: counted and synced across organizations, hence public."""

    name = "billing"
