"""The event types identity writes."""

from collections.abc import Collection, Mapping

from events.registry import EventType, register, register_names
from identity.models import Invitation, Member


def _type(name: str, target: str, description: str) -> EventType:
    return EventType(name=name, family="auth", target=target, description=description)


register(
    _type("member.added", "member", "A person became an active member."),
    _type("member.updated", "member", "A member's name or address changed."),
    _type("member.role_changed", "member", "A member's role changed."),
    _type("member.removed", "member", "A member was removed, or left."),
    _type("member.reactivated", "member", "A removed member came back."),
    _type("invitation.created", "invitation", "A person was invited."),
    _type("invitation.updated", "invitation", "The role or name of a pending invitation changed."),
    _type("invitation.resent", "invitation", "An invitation was mailed again."),
    _type("invitation.accepted", "invitation", "An invited person became a member."),
    _type("invitation.revoked", "invitation", "An invitation was withdrawn."),
    _type("invitation.expired", "invitation", "An invitation was not accepted in time."),
    _type("organization.admin_lost", "organization", "The directory removed the last admin."),
    _type("session.created", "session", "A member signed in."),
    _type("session.revoked", "session", "A session was ended before its time."),
)


def _members(ids: Collection[str]) -> Mapping[str, str]:
    rows = Member.objects.filter(pk__in=ids).values_list("pk", "name", "email")
    return {str(pk): name or email for pk, name, email in rows}


def _invitations(ids: Collection[str]) -> Mapping[str, str]:
    rows = Invitation.objects.filter(pk__in=ids).values_list("pk", "email")
    return {str(pk): email for pk, email in rows}


register_names("member", _members)
register_names("invitation", _invitations)
