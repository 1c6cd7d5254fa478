"""Store the connections to organizations' own identity providers.

Their fields follow https://stytch.com/docs/b2b/api/oidc-connection-object and
https://stytch.com/docs/b2b/api/saml-connection-object.
"""

from sandbox.store import Document
from sandbox.stytch import organizations
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id
from sandbox.world import World

KIND = "stytch.connection"
EMPTY_OIDC: Document = {
    "redirect_url": "",
    "client_id": "",
    "client_secret": "",
    "issuer": "",
    "authorization_url": "",
    "token_url": "",
    "userinfo_url": "",
    "jwks_url": "",
    "custom_scopes": "",
    "attribute_mapping": None,
}
EMPTY_SAML: Document = {
    "idp_entity_id": "",
    "idp_sso_url": "",
    "acs_url": "",
    "audience_uri": "",
    "signing_certificates": [],
    "verification_certificates": [],
    "encryption_private_keys": [],
    "saml_connection_implicit_role_assignments": [],
    "saml_group_implicit_role_assignments": [],
    "alternative_audience_uri": "",
    "nameid_format": "",
    "alternative_acs_url": "",
    "idp_initiated_auth_disabled": False,
    "allow_gateway_callback": False,
    "attribute_mapping": {},
}
EMPTY_BY_KIND = {"oidc": EMPTY_OIDC, "saml": EMPTY_SAML}


def create_connection(
    world: World,
    organization: Document,
    *,
    kind: str,
    display_name: str = "",
    identity_provider: str = "generic",
    status: str = "pending",
) -> Document:
    """Create a connection of an organization, of which an active one can be signed in with."""
    connection = {
        **EMPTY_BY_KIND[kind],
        "organization_id": organization["organization_id"],
        "connection_id": build_stytch_id(f"{kind}-connection"),
        "status": status,
        "display_name": display_name,
        "identity_provider": identity_provider,
        "_kind": kind,
    }
    store_connection(world, connection)
    return connection


def store_connection(world: World, connection: Document) -> None:
    """Store a connection, and list it on its organization while it is active."""
    world.store.put_document(KIND, connection["connection_id"], connection)
    update_active_list(world, connection["organization_id"])


def delete_connection(world: World, connection: Document) -> None:
    """Delete a connection."""
    world.store.delete_document(KIND, connection["connection_id"])
    update_active_list(world, connection["organization_id"])


def update_active_list(world: World, organization_id: str) -> None:
    """Store the active connections on their organization, the first one as its default."""
    organization = organizations.get_organization(world, organization_id)
    active = [
        {name: one[name] for name in ("connection_id", "display_name", "identity_provider")}
        for one in list_connections(world, organization)
        if one["status"] == "active"
    ]
    ids = [one["connection_id"] for one in active]
    default = organization["sso_default_connection_id"]
    if default not in ids:
        default = ids[0] if ids else None
    changed = {"sso_active_connections": active, "sso_default_connection_id": default}
    if changed.items() <= organization.items():
        return
    after = organization | changed
    organizations.save_organization(world, after, before=organization)
    organizations.announce_organization(world, after, action="UPDATE", source="DIRECT")


def list_connections(world: World, organization: Document) -> list[Document]:
    """List the connections of an organization."""
    return [
        one
        for one in world.store.list_documents(KIND)
        if one["organization_id"] == organization["organization_id"]
    ]


def list_active_connections(world: World) -> list[Document]:
    """List the active connections of all organizations."""
    return [one for one in world.store.list_documents(KIND) if one["status"] == "active"]


def find_active_connection(world: World, connection_id: str) -> Document:
    """Return an active connection, or refuse one that is unknown or not active."""
    found = world.store.find_document(KIND, connection_id)
    if found is None or found["status"] != "active":
        raise StytchError("sso_connection_not_found")
    return found


def get_connection(world: World, organization: Document, connection_id: str) -> Document:
    """Return a connection of an organization, in any status."""
    found = world.store.find_document(KIND, connection_id)
    if found is None or found["organization_id"] != organization["organization_id"]:
        raise StytchError("sso_connection_not_found")
    return found


def render_connection(connection: Document) -> Document:
    """Return a connection in Stytch's format."""
    return {name: value for name, value in connection.items() if not name.startswith("_")}
