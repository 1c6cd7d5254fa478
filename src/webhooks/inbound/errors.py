"""Problems returned to a vendor, which delivers again or shows the failure."""

from kit.errors import Malformed


class SignatureRefused(Malformed):
    """The request is not signed by this source.

    For vendors: check the webhook's secret and the clock of the sender.
    """


class UnreadableEvent(Malformed):
    """The event is signed, but not one we can read.

    For vendors: the body is not an event of that source.
    """
