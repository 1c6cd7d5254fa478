"""The event types tenancy writes."""

from events.registry import EventType, register_types

CREATED = register_types(EventType("organization.created", "auth", "An organization was created."))
UPDATED = register_types(EventType("organization.updated", "auth", "Its name or slug changed."))
DELETED = register_types(EventType("organization.deleted", "auth", "An organization was deleted."))
SUSPENDED = register_types(
    EventType("organization.suspended", "auth", "Our staff shut its members out.")
)
RESTORED = register_types(
    EventType("organization.restored", "auth", "Our staff let them in again.")
)
