"""Configure organizations and the PostgreSQL schema of each."""

from django.apps import AppConfig

import tenancy.converters  # noqa: F401 - slices below tenancy name an organization in their paths


class TenancyConfig(AppConfig):
    """The control plane's list of organizations."""

    name = "tenancy"
