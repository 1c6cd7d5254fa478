"""Handle inbound events of the directory by fetching the object again."""

from datetime import timedelta

from django.utils import timezone

import identity.directories.stytch.webhooks  # noqa: F401 - registers the source
from identity.sync import apply, fetch
from identity.sync.apply import Applied
from identity.sync.changes import defer_pull
from kit.outbound import VendorNotFound
from tenancy.services import schema_pool
from webhooks.inbound.registry import Ignored, ReceivedEvent, RetryLater, handles_events

UNKNOWN_MEMBER_DELAY = timedelta(seconds=30)  # longer than any request with an answer in hand
_EVENT_ORIGINS = ("direct", "dashboard", "scim")
SIGN_UP_RETRY_SECONDS = 2
# As long as a sign-up may hold its reservation; later events are handled in any case.
SIGN_UP_PERIOD = timedelta(seconds=schema_pool.RESERVATION_SECONDS)


def _list_types(*kinds: str) -> list[str]:
    return [f"{origin}.{kind}" for origin in _EVENT_ORIGINS for kind in kinds]


@handles_events("stytch", *_list_types("member.create", "member.update", "member.delete"))
def pull_member(received: ReceivedEvent) -> None:
    """Fetch one member and store it.

    The event's own content is not used. A deleted member that is not stored is fetched again later,
    because an answer read before the deletion may be stored meanwhile.
    """
    _leave_to_sign_up(received, _read_organization_id(received))
    try:
        applied = fetch.pull_member(received.object_key)
    except VendorNotFound:
        raise Ignored from None
    if applied == Applied():
        defer_pull(received.object_key, after=UNKNOWN_MEMBER_DELAY)


@handles_events(
    "stytch", *_list_types("organization.create", "organization.update", "organization.delete")
)
def pull_organization(received: ReceivedEvent) -> None:
    """Bring one organization up to date."""
    _leave_to_sign_up(received, received.object_key)
    fetch.pull_organization(received.object_key)


def _leave_to_sign_up(received: ReceivedEvent, stytch_org_id: str) -> None:
    """Wait while a sign-up may be making this organization, whose first event names its maker.

    Raises RetryLater.
    """
    is_recent = abs(timezone.now() - received.occurred_at) < SIGN_UP_PERIOD
    if (
        is_recent
        and stytch_org_id
        and schema_pool.has_reservation()
        and not apply.is_known(stytch_org_id)
    ):
        raise RetryLater(SIGN_UP_RETRY_SECONDS)


def _read_organization_id(received: ReceivedEvent) -> str:
    """Return the organization that a member's event names, which deletions do not."""
    member = received.payload.get("member")
    return str(member.get("organization_id") or "") if isinstance(member, dict) else ""
