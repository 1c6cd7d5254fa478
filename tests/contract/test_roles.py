"""Call every operation with every role, as the contract and the table of roles allow."""

from identity import roles
from kit.permissions import list_declared
from tests.contract import table
from tests.contract.calls import call, for_each_operation
from tests.harness.contract import operations

SCOPED = [operation for operation in operations() if operation.is_scoped]
# Refused after the permission is checked and before anything is changed.
PROBE = {"unknown": "1"}


def test_every_declared_permission_guards_an_operation():
    assert {operation.permission for operation in SCOPED} == {one.name for one in list_declared()}


def test_every_operation_of_an_organization_requires_a_permission():
    assert [operation.id for operation in SCOPED if not operation.permission] == []


@for_each_operation(SCOPED)
def test_role_may_do_what_its_permissions_allow(api, acme, owned, operation):
    values = owned.build_path_values(operation)

    answers = {
        role: call(api, operation, values, token=acme.token(role), params=PROBE).json()
        for role in roles.Role
    }

    for role, answer in answers.items():
        allowed = operation.permission in roles.permissions(role)
        assert answer["code"] == ("unknown_parameter" if allowed else "forbidden"), role
        assert allowed or answer["permission"] == operation.permission


def test_only_admins_change_an_organization():
    changing = [operation for operation in SCOPED if operation.method != "GET"]
    granted_to_members = roles.permissions(roles.Role.MEMBER) | roles.permissions(roles.Role.VIEWER)

    open_to_all = {each.id for each in changing if each.permission in granted_to_members}

    assert open_to_all == table.OPEN_TO_MEMBERS
