"""Refusals of tenancy."""

from kit.errors import Conflict, FieldError, Forbidden, Malformed, Unavailable


class OrganizationSuspended(Forbidden):
    """The organization is suspended."""


class OrganizationMigrating(Unavailable):
    """The organization is being moved to a new version."""


class SchemaNotReady(Unavailable):
    """No room is ready for a new organization yet."""


class SlugTaken(Conflict):
    """Another organization has this slug."""


class SlugNotAllowed(Malformed):
    """The slug cannot be used."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, [FieldError("/slug", self.code, detail)])
