"""The admin pages of people, organizations' members and support access."""

from identity.admin import people, support

__all__ = ["people", "support"]
