"""The event types tenancy writes."""

from events.registry import EventType, register

CREATED = register(EventType("organization.created", "auth", "An organization was created."))
UPDATED = register(EventType("organization.updated", "auth", "Its name or slug changed."))
DELETED = register(EventType("organization.deleted", "auth", "An organization was deleted."))
SUSPENDED = register(EventType("organization.suspended", "auth", "Our staff shut its members out."))
RESTORED = register(EventType("organization.restored", "auth", "Our staff let them in again."))
