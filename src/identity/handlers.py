"""Handle inbound events of the directory by fetching the object again."""

import identity.directories.stytch.webhooks  # noqa: F401 - registers the source
from identity.sync import fetch
from kit.outbound import VendorNotFound
from webhooks.inbound.registry import Ignored, ReceivedEvent, handles_events

_EVENT_ORIGINS = ("direct", "dashboard", "scim")


def _list_types(*kinds: str) -> list[str]:
    return [f"{origin}.{kind}" for origin in _EVENT_ORIGINS for kind in kinds]


@handles_events("stytch", *_list_types("member.create", "member.update", "member.delete"))
def pull_member(received: ReceivedEvent) -> None:
    """Fetch one member and store it.

    The event's own content is not used.
    """
    try:
        fetch.pull_member(received.object_key)
    except VendorNotFound:
        raise Ignored from None


@handles_events(
    "stytch", *_list_types("organization.create", "organization.update", "organization.delete")
)
def pull_organization(received: ReceivedEvent) -> None:
    """Bring one organization up to date."""
    fetch.pull_organization(received.object_key)
