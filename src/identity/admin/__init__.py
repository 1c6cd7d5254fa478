"""The admin pages of people, organizations' members and support access."""

from identity.admin import organizations, people, support

__all__ = ["organizations", "people", "support"]
