"""Problems returned to a vendor, which delivers again or shows the failure."""

from kit.errors import Malformed


class SignatureRefused(Malformed):
    """The request is not signed by this source."""


class UnreadableEvent(Malformed):
    """The event is signed, but not one we can read."""
