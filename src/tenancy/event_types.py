"""The event types tenancy writes."""

from events.registry import EventType, register_types

ORGANIZATION_CREATED = register_types(
    EventType("organization.created", "auth", "An organization was created.")
)
ORGANIZATION_UPDATED = register_types(
    EventType("organization.updated", "auth", "Its name or slug changed.")
)
ORGANIZATION_DELETED = register_types(
    EventType("organization.deleted", "auth", "An organization was deleted.")
)
ORGANIZATION_SUSPENDED = register_types(
    EventType("organization.suspended", "auth", "Our staff shut its members out.")
)
ORGANIZATION_RESTORED = register_types(
    EventType("organization.restored", "auth", "Our staff let them in again.")
)
