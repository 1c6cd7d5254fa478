"""Refusals a vendor's request may meet; each makes the vendor deliver again, or show the failure."""

from kit.errors import Malformed


class SignatureRefused(Malformed):
    """The request is not signed by this source."""


class UnreadableEvent(Malformed):
    """The event is signed, but not one we can read."""
