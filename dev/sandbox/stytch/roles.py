"""Define the roles of the project and of organizations, and check permissions."""

from collections.abc import Iterable

from sandbox.store import Document
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import get_domain
from sandbox.world import World

ORG_POLICY = "stytch.org_policy"
MEMBER = "stytch_member"
ADMIN = "stytch_admin"
DIRECT: Document = {"type": "direct_assignment", "details": {}}

ORGANIZATION_ACTIONS = [
    "update.info.name",
    "update.info.slug",
    "update.info.logo-url",
    "update.settings.allowed-auth-methods",
    "update.settings.allowed-mfa-methods",
    "update.settings.email-jit-provisioning",
    "update.settings.email-invites",
    "update.settings.allowed-domains",
    "update.settings.default-sso-connection",
    "update.settings.sso-jit-provisioning",
    "update.settings.mfa-policy",
    "update.settings.implicit-roles",
    "delete",
]
SELF_ACTIONS = [
    "update.info.name",
    "update.info.untrusted-metadata",
    "update.info.mfa-phone",
    "update.info.delete.mfa-phone",
    "update.info.delete.mfa-totp",
    "update.info.delete.password",
    "update.settings.mfa-enrolled",
    "update.settings.default-mfa-method",
    "delete",
]
MEMBER_ACTIONS = [
    "create",
    "update.info.email",
    "update.settings.is-breakglass",
    "update.settings.roles",
    "search",
    *SELF_ACTIONS,
]


def list_permissions(*resources: str) -> list[Document]:
    """Build permissions for every action on each resource."""
    return [{"resource_id": resource, "actions": ["*"]} for resource in resources]


def build_role(role_id: str, granted: list[Document]) -> Document:
    """Build a role of a policy."""
    return {"role_id": role_id, "description": "", "permissions": granted}


def build_resource(resource_id: str, actions: list[str]) -> Document:
    """Build a resource of a policy."""
    return {"resource_id": resource_id, "description": "", "actions": actions}


POLICY: Document = {
    "roles": [
        build_role(MEMBER, list_permissions("stytch.self")),
        build_role(
            ADMIN,
            list_permissions("stytch.organization", "stytch.member", "stytch.sso", "stytch.scim"),
        ),
        build_role("viewer", [{"resource_id": "document", "actions": ["read"]}]),
    ],
    "resources": [
        build_resource("stytch.organization", ORGANIZATION_ACTIONS),
        build_resource("stytch.member", MEMBER_ACTIONS),
        build_resource("stytch.self", SELF_ACTIONS),
        build_resource("document", ["read", "write"]),
    ],
    "scopes": [],
}


def list_organization_roles(world: World, organization_id: str) -> list[Document]:
    """List the roles that an organization defined for itself."""
    stored = world.store.find_document(ORG_POLICY, organization_id)
    return list(stored["roles"]) if stored else []


def define_organization_roles(world: World, organization_id: str, roles: list[Document]) -> None:
    """Replace an organization's own roles."""
    world.store.put_document(ORG_POLICY, organization_id, {"roles": roles})


def list_all_roles(world: World, organization_id: str) -> list[Document]:
    """List the roles that members of an organization may hold."""
    return [*POLICY["roles"], *list_organization_roles(world, organization_id)]


def check_role_ids(world: World, organization_id: str, role_ids: Iterable[str]) -> list[str]:
    """Check role ids to assign and return each once.

    Raises:
        StytchError: a role is unknown, or it is the default role.
    """
    wanted = list(dict.fromkeys(role_ids))
    if MEMBER in wanted:
        raise StytchError("cannot_assign_default_rbac_role_id")
    known = {entry["role_id"] for entry in list_all_roles(world, organization_id)}
    if unknown := [role_id for role_id in wanted if role_id not in known]:
        raise StytchError("invalid_rbac_role_id", f"Unknown role: {', '.join(unknown)}.")
    return wanted


def list_held_roles(organization: Document, member: Document) -> list[Document]:
    """List a member's roles with the sources of each."""
    sources: dict[str, list[Document]] = {MEMBER: [DIRECT]}
    for role_id in member["_explicit"]:
        sources.setdefault(role_id, []).append(DIRECT)
    for assignment in organization["rbac_email_implicit_role_assignments"]:
        domain = assignment["domain"].lower()
        if member["email_address_verified"] and domain == get_domain(member["email_address"]):
            source = {"type": "email_assignment", "details": {"email_domain": domain}}
            sources.setdefault(assignment["role_id"], []).append(source)
    for implied in member["_implicit"]:
        sources.setdefault(implied["role_id"], []).append(implied["source"])
    return [{"role_id": role_id, "sources": found} for role_id, found in sources.items()]


def list_granting_roles(
    world: World, *, organization_id: str, role_ids: Iterable[str], resource_id: str, action: str
) -> list[str]:
    """List those of the given roles that allow an action on a resource."""
    given = set(role_ids)
    return [
        entry["role_id"]
        for entry in list_all_roles(world, organization_id)
        if entry["role_id"] in given
        and any(
            does_cover_action(permission, resource_id, action)
            for permission in entry["permissions"]
        )
    ]


def does_cover_action(permission: Document, resource_id: str, action: str) -> bool:
    """Return whether a permission allows an action on a resource."""
    if permission["resource_id"] != resource_id:
        return False
    if resource_id == "stytch.self" and action not in SELF_ACTIONS:
        return False  # everything on oneself does not include one's own roles or e-mail
    return not {"*", action}.isdisjoint(permission["actions"])
