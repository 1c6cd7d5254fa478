"""Handle inbound events of the directory: fetch the object again, whatever the event said."""

import identity.directories.stytch.webhooks  # noqa: F401 - registers the source
from identity.sync import fetch
from kit.outbound import VendorNotFound
from webhooks.inbound.registry import Ignored, Received, handles

_ORIGINS = ("direct", "dashboard", "scim")


def _types(*kinds: str) -> list[str]:
    return [f"{origin}.{kind}" for origin in _ORIGINS for kind in kinds]


@handles("stytch", *_types("member.create", "member.update", "member.delete"))
def pull_member(received: Received) -> None:
    """Bring one member up to date, whatever the event said about it."""
    try:
        fetch.member(received.object_key)
    except VendorNotFound:
        raise Ignored from None


@handles("stytch", *_types("organization.create", "organization.update", "organization.delete"))
def pull_organization(received: Received) -> None:
    """Bring one organization up to date."""
    fetch.organization(received.object_key)
