"""The event types identity writes."""

from collections.abc import Collection, Mapping

from events.registry import EventType, register_names, register_types
from identity.models import Invitation, Member, User
from kit.ids import parse_uuid


def _register_type(name: str, description: str) -> EventType:
    return register_types(EventType(name, "auth", description))


MEMBER_ADDED = _register_type("member.added", "A person became an active member.")
MEMBER_UPDATED = _register_type("member.updated", "A member's name or address changed.")
MEMBER_ROLE_CHANGED = _register_type("member.role_changed", "A member's role changed.")
MEMBER_REMOVED = _register_type("member.removed", "A member was removed, or left.")
MEMBER_REACTIVATED = _register_type("member.reactivated", "A removed member came back.")
MEMBER_SUSPENDED = _register_type("member.suspended", "A member was suspended.")
MEMBER_RESTORED = _register_type("member.restored", "An admin restored a suspended member.")
INVITATION_CREATED = _register_type("invitation.created", "A person was invited.")
INVITATION_UPDATED = _register_type(
    "invitation.updated", "The role, name or address of a pending invitation changed."
)
INVITATION_RESENT = _register_type("invitation.resent", "An invitation was mailed again.")
INVITATION_ACCEPTED = _register_type("invitation.accepted", "An invited person became a member.")
INVITATION_REFUSED = _register_type("invitation.refused", "A queued invitation could not be sent.")
INVITATION_CLOSED = {
    "revoked": _register_type("invitation.revoked", "An invitation was withdrawn."),
    "expired": _register_type("invitation.expired", "An invitation was not accepted in time."),
}
SECURITY_CHANGED = _register_type("organization.security_changed", "Its security settings changed.")
ADMIN_LOST = _register_type("organization.admin_lost", "The directory removed the last admin.")
SUPPORT_ACCESS_GRANTED = _register_type(
    "support.access_granted", "A member of staff may read the organization's data for some hours."
)
SUPPORT_ACCESS_ENDED = _register_type(
    "support.access_ended", "A member of staff may not read the organization's data any more."
)
SESSION_CREATED = _register_type("session.created", "A member signed in.")
SESSION_REVOKED = _register_type("session.revoked", "A session was ended before its time.")


def _find_member_names(ids: Collection[str]) -> Mapping[str, str]:
    rows = Member.objects.filter(pk__in=ids).values_list("pk", "name", "email")
    return {str(pk): name or email for pk, name, email in rows}


def _find_invitation_emails(ids: Collection[str]) -> Mapping[str, str]:
    rows = Invitation.objects.filter(pk__in=ids).values_list("pk", "email")
    return {str(pk): email for pk, email in rows}


def _find_staff_names(ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of staff who acted in the admin."""
    staff = User.objects.filter(pk__in=[id_ for id_ in ids if parse_uuid(id_)], is_staff=True)
    return {str(user.pk): user.get_short_name() for user in staff}


register_names("member", _find_member_names)
register_names("operator", _find_staff_names)
register_names("invitation", _find_invitation_emails)
