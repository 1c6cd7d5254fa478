"""Limit the mails to one address to one in a second of the clock, as Stytch does.

https://stytch.com/docs/resources/platform/rate-limits says which calls share the limit, and that its
windows follow the clock. It is off until a control call turns it on, because tests send faster.
"""

from sandbox.store import Document
from sandbox.stytch.errors import StytchError
from sandbox.world import World

SETTINGS = "stytch.rate_limit"
LAST_MAILS = "stytch.last_mail"  # by address
MAIL_WINDOW_SECONDS = 1


def set_mail_window(world: World, seconds: int) -> Document:
    """Allow one mail to an address in each window of this length, or any number with 0."""
    settings: Document = {"mail_window_seconds": seconds}
    world.store.put_document(SETTINGS, "mail", settings)
    return settings


def count_mail(world: World, email: str) -> None:
    """Count a mail to an address, or refuse it."""
    settings = world.store.find_document(SETTINGS, "mail")
    seconds = settings["mail_window_seconds"] if settings else 0
    if not seconds:
        return
    window = int(world.clock.now().timestamp()) // seconds
    last = world.store.find_document(LAST_MAILS, email)
    if last == {"window": window}:
        raise StytchError("too_many_requests")
    world.store.put_document(LAST_MAILS, email, {"window": window})
