"""The roles of members, and how the directory's roles map to them.

Views name a permission (`access = "member.remove"`), which each app declares in its
`permissions.py`; nothing asks for a role by name except the rule that an organization keeps an admin.
"""

import functools
from collections.abc import Iterable

from django.db.models import TextChoices

from kit.permissions import list_names_of_role


class Role(TextChoices):
    """The three roles, strongest first."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


def is_above(role: str, other: str) -> bool:
    """Return whether a role is stronger than another."""
    order = list(Role)
    return order.index(Role(role)) < order.index(Role(other))


STYTCH_ADMIN_ROLE = "stytch_admin"
STYTCH_VIEWER_ROLE = "viewer"
_STYTCH_DEFAULT_ROLE = "stytch_member"  # every member has it, so it says nothing
MANAGED_STYTCH_ROLES = frozenset(
    {STYTCH_ADMIN_ROLE, STYTCH_VIEWER_ROLE, _STYTCH_DEFAULT_ROLE}
)  # all others are the project's


@functools.cache
def permissions(role: str) -> frozenset[str]:
    """Return the names of the permissions a role holds, none for an unknown role."""
    return list_names_of_role(role)


def from_stytch(role_ids: Iterable[str]) -> Role:
    """Return our role for a member's Stytch roles.

    They add up there, so the strongest wins.

    A custom role we do not know never raises rights: alone it is an ordinary member's.
    """
    named = set(role_ids) - {_STYTCH_DEFAULT_ROLE}
    if STYTCH_ADMIN_ROLE in named:
        return Role.ADMIN
    return Role.VIEWER if STYTCH_VIEWER_ROLE in named else Role.MEMBER


def to_stytch(role: str) -> list[str]:
    """Return the roles to assign at Stytch so that `from_stytch` reads `role` again."""
    explicit = {Role.ADMIN: [STYTCH_ADMIN_ROLE], Role.VIEWER: [STYTCH_VIEWER_ROLE]}
    return explicit.get(Role(role), [])
