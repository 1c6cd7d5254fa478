"""Handle `/sso` calls that manage connections and finish a sign-in with an organization's provider.

https://stytch.com/docs/b2b/api/sso-authenticate and https://stytch.com/docs/b2b/api/sso-authenticate-start
"""

from starlette.datastructures import QueryParams

from sandbox.store import Document
from sandbox.stytch import (
    connections,
    factors,
    members,
    membership_rules,
    organizations,
    provider_sign_in,
)
from sandbox.stytch.api.call import Call
from sandbox.stytch.api.sign_in import sign_in_with_factor
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id
from sandbox.world import World


def start_sign_in(world: World, query: QueryParams) -> str:
    """Store the start of a sign-in and return the address of the provider's page."""
    provider_sign_in.check_public_token(world, query.get("public_token", ""))
    connection = find_connection(world, query)
    url = query.get("login_redirect_url") or f"{world.settings.public_url}/landing"
    start = provider_sign_in.create_start(
        world,
        token_type="sso",  # noqa: S106
        redirect_url=url,
        connection_id=connection["connection_id"],
        challenge=query.get("pkce_code_challenge"),
    )
    return f"{world.settings.public_url}/sso/{connection['connection_id']}?state={start['id']}"


def find_connection(world: World, query: QueryParams) -> Document:
    """Return the named connection, or the default one of the named organization."""
    if connection_id := query.get("connection_id"):
        return connections.find_active_connection(world, connection_id)
    if not query.get("organization_id"):
        raise StytchError("missing_sso_connection_locator")
    organization = organizations.get_organization(world, query["organization_id"])
    default = organization["sso_default_connection_id"]
    if default is None:
        raise StytchError("no_sso_connection_exists_for_organization")
    return connections.find_active_connection(world, default)


def authenticate(call: Call) -> Document:
    """Exchange a connection's token for a session in its organization."""
    call.check_session_arguments()
    running = call.find_running_session()
    identity = provider_sign_in.use_provider_token(
        call.world,
        call.get_text("sso_token"),
        token_type="sso",  # noqa: S106
        verifier=call.find_text("pkce_code_verifier"),
    )
    connection = connections.find_active_connection(call.world, identity["connection_id"])
    organization = organizations.get_organization(call.world, connection["organization_id"])
    member = find_or_create_member(call.world, organization, connection, identity)
    factor = factors.build_sso_factor(call.world, connection, identity)
    answer = sign_in_with_factor(call, member, factor, running=running)
    return answer | {"organization_id": organization["organization_id"], "reset_session": False}


def find_or_create_member(
    world: World, organization: Document, connection: Document, identity: Document
) -> Document:
    """Find the member of an account at the provider, or with its address, or add one."""
    known = (connection["connection_id"], identity["subject"])
    for one in members.list_members(world, organization):
        held = [(each["connection_id"], each["external_id"]) for each in one["sso_registrations"]]
        if known in held and one["status"] != "deleted":
            return one
    member = members.find_by_email(world, organization, identity["email"])
    if member is None:
        membership_rules.check_joinable_by_sso(organization, connection["connection_id"])
        member = members.create_member(
            world,
            organization,
            email_address=identity["email"],
            status="active",
            source="DIRECT",
            name=identity["name"],
            email_address_verified=True,
        )
    registration = {
        "connection_id": connection["connection_id"],
        "external_id": identity["subject"],
        "registration_id": build_stytch_id("sso-registration"),
        "sso_attributes": {"email": identity["email"], "name": identity["name"]},
    }
    after = member | {"sso_registrations": [*member["sso_registrations"], registration]}
    return members.replace_member(world, member, after, source="DIRECT")


def list_connections_call(call: Call) -> Document:
    """List the connections of an organization by kind."""
    organization = call.get_organization()
    found = connections.list_connections(call.world, organization)
    by_kind = {
        kind: [connections.render_connection(one) for one in found if one["_kind"] == kind]
        for kind in connections.EMPTY_BY_KIND
    }
    return {
        "saml_connections": by_kind["saml"],
        "oidc_connections": by_kind["oidc"],
        "external_connections": [],
    }


def create_oidc_connection(call: Call) -> Document:
    """Create an OIDC connection, which stays pending until it is configured."""
    return create_connection(call, kind="oidc")


def create_saml_connection(call: Call) -> Document:
    """Create a SAML connection, which stays pending until it is configured."""
    return create_connection(call, kind="saml")


def create_connection(call: Call, *, kind: str) -> Document:
    """Create a connection of one kind."""
    organization = call.get_organization()
    call.authorize("stytch.sso", "create", of=organization)
    created = connections.create_connection(
        call.world,
        organization,
        kind=kind,
        **call.list_given("display_name", "identity_provider"),
    )
    return {"connection": connections.render_connection(created)}


def update_oidc_connection(call: Call) -> Document:
    """Change an OIDC connection, which is active once it has all that Stytch needs.

    https://stytch.com/docs/b2b/api/update-oidc-connection
    """
    organization = call.get_organization()
    call.authorize("stytch.sso", "update", of=organization)
    connection = connections.get_connection(
        call.world, organization, call.get_text("connection_id")
    )
    given = call.list_given("display_name", "identity_provider", *connections.EMPTY_OIDC)
    after = connection | given
    needed = ("client_id", "client_secret", "issuer", "authorization_url", "token_url", "jwks_url")
    after["status"] = "active" if all(after[name] for name in needed) else "pending"
    connections.store_connection(call.world, after)
    return {"connection": connections.render_connection(after), "warning": ""}


def delete_connection_call(call: Call) -> Document:
    """Delete a connection."""
    organization = call.get_organization()
    call.authorize("stytch.sso", "delete", of=organization)
    connection = connections.get_connection(
        call.world, organization, call.get_text("connection_id")
    )
    connections.delete_connection(call.world, connection)
    return {"connection_id": connection["connection_id"]}
