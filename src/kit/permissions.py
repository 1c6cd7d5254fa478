"""Register each app's permissions with the roles that hold them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ADMIN_ROLES: Final = frozenset({"admin"})
ADMINS_AND_MEMBERS: Final = frozenset({"admin", "member"})
ALL_ROLES: Final = frozenset({"admin", "member", "viewer"})


@dataclass(frozen=True, slots=True)
class Permission:
    """A right in the form `noun.verb`, the roles that hold it, and what it allows."""

    name: str
    holders: frozenset[str]
    description: str


class PermissionDeclaredTwice(RuntimeError):
    """Two apps declare a permission of the same name."""


_declared: dict[str, Permission] = {}


def declare_permission(name: str, holders: Iterable[str], description: str) -> Permission:
    """Declare a permission, in an app's `permissions.py`. Raises PermissionDeclaredTwice."""
    if name in _declared:
        raise PermissionDeclaredTwice(name)
    permission = Permission(name, frozenset(holders), description)
    _declared[name] = permission
    return permission


def list_declared() -> list[Permission]:
    """Return every permission, by name."""
    return sorted(_declared.values(), key=lambda permission: permission.name)


def list_names_of_role(role: str) -> frozenset[str]:
    """Return the names of the permissions of a role, none for an unknown role."""
    return frozenset(name for name, one in _declared.items() if role in one.holders)
