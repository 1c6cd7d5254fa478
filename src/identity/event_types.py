"""The event types identity writes."""

from collections.abc import Collection, Mapping

from events.registry import EventType, register, register_names
from identity.models import Invitation, Member


def _type(name: str, description: str) -> EventType:
    return register(EventType(name, "auth", description))


MEMBER_ADDED = _type("member.added", "A person became an active member.")
MEMBER_UPDATED = _type("member.updated", "A member's name or address changed.")
MEMBER_ROLE_CHANGED = _type("member.role_changed", "A member's role changed.")
MEMBER_REMOVED = _type("member.removed", "A member was removed, or left.")
MEMBER_REACTIVATED = _type("member.reactivated", "A removed member came back.")
INVITATION_CREATED = _type("invitation.created", "A person was invited.")
INVITATION_UPDATED = _type(
    "invitation.updated", "The role, name or address of a pending invitation changed."
)
INVITATION_RESENT = _type("invitation.resent", "An invitation was mailed again.")
INVITATION_ACCEPTED = _type("invitation.accepted", "An invited person became a member.")
INVITATION_CLOSED = {
    "revoked": _type("invitation.revoked", "An invitation was withdrawn."),
    "expired": _type("invitation.expired", "An invitation was not accepted in time."),
}
ADMIN_LOST = _type("organization.admin_lost", "The directory removed the last admin.")
SESSION_CREATED = _type("session.created", "A member signed in.")
SESSION_REVOKED = _type("session.revoked", "A session was ended before its time.")


def _members(ids: Collection[str]) -> Mapping[str, str]:
    rows = Member.objects.filter(pk__in=ids).values_list("pk", "name", "email")
    return {str(pk): name or email for pk, name, email in rows}


def _invitations(ids: Collection[str]) -> Mapping[str, str]:
    rows = Invitation.objects.filter(pk__in=ids).values_list("pk", "email")
    return {str(pk): email for pk, email in rows}


register_names("member", _members)
register_names("invitation", _invitations)
