"""Command `manage.py migrate_schemas`, the other name of `manage.py migrate`."""

from tenancy.management.commands.migrate import Command

__all__ = ["Command"]
