"""Handle the organization calls below `/organizations`."""

from sandbox.store import Document
from sandbox.stytch import deletions, members, organizations, search
from sandbox.stytch.api.call import Call

FIELDS = (
    "organization_name",
    "organization_slug",
    "organization_logo_url",
    "organization_external_id",
    "trusted_metadata",
    *organizations.SETTINGS,
)
ACTIONS = {
    "organization_name": "update.info.name",
    "organization_slug": "update.info.slug",
    "organization_logo_url": "update.info.logo-url",
    "auth_methods": "update.settings.allowed-auth-methods",
    "allowed_auth_methods": "update.settings.allowed-auth-methods",
    "mfa_methods": "update.settings.allowed-mfa-methods",
    "allowed_mfa_methods": "update.settings.allowed-mfa-methods",
    "email_jit_provisioning": "update.settings.email-jit-provisioning",
    "email_invites": "update.settings.email-invites",
    "email_allowed_domains": "update.settings.allowed-domains",
    "sso_default_connection_id": "update.settings.default-sso-connection",
    "sso_jit_provisioning": "update.settings.sso-jit-provisioning",
    "sso_jit_provisioning_allowed_connections": "update.settings.sso-jit-provisioning",
    "mfa_policy": "update.settings.mfa-policy",
    "rbac_email_implicit_role_assignments": "update.settings.implicit-roles",
}
NOT_FOR_MEMBERS = "not.for.members"  # an action no policy grants


def create_organization_call(call: Call) -> Document:
    """Create an organization without members."""
    call.get_text("organization_name")
    fields = call.list_given(*FIELDS)
    return {
        "organization": organizations.create_organization(call.world, source="DIRECT", **fields)
    }


def get_organization_call(call: Call) -> Document:
    """Return one organization."""
    return {"organization": call.get_organization()}


def update_organization_call(call: Call) -> Document:
    """Change the given fields of an organization."""
    organization = call.get_organization()
    fields = call.list_given(*FIELDS)
    actions = [ACTIONS.get(name, NOT_FOR_MEMBERS) for name in fields]
    call.authorize("stytch.organization", *actions, of=organization)
    changed = organizations.update_organization(call.world, organization, source="DIRECT", **fields)
    return {"organization": changed}


def delete_organization_call(call: Call) -> Document:
    """Delete an organization and its members."""
    organization = call.get_organization()
    call.authorize("stytch.organization", "delete", of=organization)
    deletions.delete_organization_and_members(call.world, organization, source="DIRECT")
    return {"organization_id": organization["organization_id"]}


def delete_organization_external_id(call: Call) -> Document:
    """Remove an organization's external id."""
    fields = {"organization_external_id": None}
    changed = organizations.update_organization(
        call.world, call.get_organization(), source="DIRECT", **fields
    )
    return {"organization": changed}


def count_organization_members(call: Call) -> Document:
    """Count an organization's members, except deleted ones."""
    listed = members.list_members(call.world, call.get_organization())
    return {"member_count": sum(member["status"] != "deleted" for member in listed)}


def search_organizations(call: Call) -> Document:
    """Search all organizations."""
    found = search.search_organizations(call.world, call.find_mapping("query"))
    page, metadata = search.build_search_page(
        found, cursor=call.find_text("cursor"), limit=call.find_number("limit")
    )
    return {"organizations": page, "results_metadata": metadata}
