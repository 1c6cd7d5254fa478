"""Billing as a Django app of the public schema."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Billing as a public app, counted and synced across organizations."""

    name = "billing"
