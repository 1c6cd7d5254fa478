"""Who may do what: the one table of roles and permissions, and how Stytch's roles map to ours.

Views name a permission (`access = "member.remove"`); nothing in the product asks for a role by name
except the rule that an organization always keeps an admin.
"""

from collections.abc import Iterable

from django.db.models import TextChoices


class Role(TextChoices):
    """The three roles, strongest first."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


_A = frozenset({Role.ADMIN})
_ALL = frozenset(Role)

# Permission                holders          what it allows
TABLE: dict[str, tuple[frozenset[Role], str]] = {
    "organization.read": (_ALL, "See the organization."),
    "organization.update": (_A, "Rename the organization or change its slug."),
    "organization.delete": (_A, "Delete the organization, or undo that while the window is open."),
    "organization.export": (_A, "Export everything the organization owns."),
    "security.read": (_A, "See how members may sign in and join."),
    "security.manage": (_A, "Change how members may sign in and join."),
    "permission.read": (_ALL, "See this table."),
    "member.read": (_ALL, "See the members."),
    "member.update": (_A, "Change a member's role, and hand over the admin role."),
    "member.remove": (_A, "Remove and reactivate members."),
    "member.leave": (_ALL, "Leave the organization."),
    "invitation.read": (_A, "See the invitations."),
    "invitation.create": (_A, "Invite people, and send an invitation again."),
    "invitation.revoke": (_A, "Revoke an invitation."),
    "event.read": (_A, "Read the audit trail."),
    "event.export": (_A, "Export the audit trail."),
    "subscription.read": (_ALL, "See the plan and its features."),
    "seats.read": (_ALL, "See how many seats are used."),
    "seats.manage": (_A, "Preview seat costs, see their history, ask for a sync."),
    "billing.read": (_A, "See the billing profile and the invoices."),
    "billing.manage": (_A, "Change the billing profile, buy, change or cancel the plan."),
    "client.read": (_A, "See client apps, environments and webhook endpoints."),
    "client.manage": (_A, "Create, change and revoke client apps, tokens and webhook endpoints."),
}

_BY_ROLE = {
    role: frozenset(name for name, (holders, _) in TABLE.items() if role in holders)
    for role in Role
}

STYTCH_ADMIN = "stytch_admin"
STYTCH_VIEWER = "viewer"
_STYTCH_DEFAULT = "stytch_member"  # every member has it, so it says nothing
OURS = frozenset({STYTCH_ADMIN, STYTCH_VIEWER, _STYTCH_DEFAULT})  # all others are the project's


def permissions(role: str) -> frozenset[str]:
    """What a role allows; an unknown one allows nothing."""
    return _BY_ROLE[Role(role)] if role in _BY_ROLE else frozenset()


def from_stytch(role_ids: Iterable[str]) -> Role:
    """Our role for a member's Stytch roles: they add up there, so the strongest wins.

    A custom role we do not know never raises rights: alone it is an ordinary member's.
    """
    named = set(role_ids) - {_STYTCH_DEFAULT}
    if STYTCH_ADMIN in named:
        return Role.ADMIN
    return Role.VIEWER if STYTCH_VIEWER in named else Role.MEMBER


def to_stytch(role: str) -> list[str]:
    """The roles to assign at Stytch so that `from_stytch` reads `role` again."""
    explicit = {Role.ADMIN: [STYTCH_ADMIN], Role.VIEWER: [STYTCH_VIEWER]}
    return explicit.get(Role(role), [])
