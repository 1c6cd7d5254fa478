"""Refusals of tenancy."""

from kit.errors import Conflict, FieldError, Forbidden, Malformed, Unavailable


class OrganizationSuspended(Forbidden):
    """The organization is suspended.

    Show it: its admins were told why. Retrying does not help.
    """


class OrganizationMigrating(Unavailable):
    """The organization is being moved to a new version.

    Wait as many seconds as `Retry-After` says; nothing was changed.
    """


class SchemaNotReady(Unavailable):
    """No room is ready for a new organization yet.

    Repeat after `Retry-After`; the sign-in was not used up.
    """


class SlugTaken(Conflict):
    """Another organization has this slug.

    Choose another slug.
    """


class SlugNotAllowed(Malformed):
    """The slug cannot be used.

    Choose another: some are reserved, and none may look like an id.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail, [FieldError("/slug", self.code, detail)])
