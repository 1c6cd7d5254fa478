"""Handle `/rbac` calls on the project's policy and an organization's own roles."""

from sandbox.store import Document
from sandbox.stytch import organizations, roles
from sandbox.stytch.api.call import Call
from sandbox.stytch.errors import StytchError


def get_policy_call(call: Call) -> Document:  # noqa: ARG001  every handler takes its call
    """Return the project's policy."""
    return {"policy": roles.POLICY}


def get_organization_roles_call(call: Call) -> Document:
    """Return an organization's own roles."""
    organization_id = call.get_organization()["organization_id"]
    return {"org_policy": {"roles": roles.list_organization_roles(call.world, organization_id)}}


def set_organization_roles_call(call: Call) -> Document:
    """Replace an organization's own roles."""
    organization = call.get_organization()
    wanted = call.find_mapping("org_policy")
    if wanted is None:
        raise StytchError("bad_request", "org_policy is required.")
    own = [{"description": "", "permissions": [], **entry} for entry in wanted["roles"]]
    roles.define_organization_roles(call.world, organization["organization_id"], own)
    organizations.update_organization(call.world, organization, source="DIRECT", custom_roles=own)
    return {"org_policy": {"roles": own}}
