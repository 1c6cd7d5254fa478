"""Which of Stytch's roles is which of ours, and what each allows."""

import pytest

from identity import roles
from identity.roles import Role


@pytest.mark.parametrize(
    ("at_stytch", "ours"),
    [
        ((), Role.MEMBER),
        (("stytch_member",), Role.MEMBER),
        (("stytch_member", "viewer"), Role.VIEWER),
        (("stytch_member", "stytch_admin"), Role.ADMIN),
        (("viewer", "stytch_admin"), Role.ADMIN),
        (("viewer", "editor"), Role.VIEWER),
        (("wizard",), Role.MEMBER),
    ],
)
def test_strongest_role_wins_and_an_unknown_one_raises_nothing(at_stytch, ours):
    assert roles.from_stytch(at_stytch) == ours


@pytest.mark.parametrize("role", Role)
def test_role_we_assign_is_the_role_we_read(role):
    assert roles.from_stytch(["stytch_member", *roles.to_stytch(role)]) == role


def test_weaker_role_never_holds_what_a_stronger_one_lacks():
    viewer, member, admin = (roles.permissions(role) for role in ("viewer", "member", "admin"))

    assert viewer <= member < admin


def test_unknown_role_holds_nothing():
    assert roles.permissions("owner") == frozenset()


def test_viewer_changes_nothing():
    writing = ("update", "create", "remove", "revoke", "manage", "delete", "export")

    assert not [name for name in roles.permissions("viewer") if name.endswith(writing)]
