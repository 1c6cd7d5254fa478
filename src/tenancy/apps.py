"""Tenancy: organizations and the PostgreSQL schema of each."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """The control plane's list of organizations."""

    name = "tenancy"
