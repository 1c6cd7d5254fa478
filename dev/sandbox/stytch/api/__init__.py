"""Map every path and method of Stytch's B2B API to its handler."""

from starlette.routing import BaseRoute, Route

from sandbox.store import Document
from sandbox.stytch.api import (
    discovery,
    magic_links,
    members,
    mfa,
    oauth,
    organizations,
    otps,
    rbac,
    sessions,
    sso,
)
from sandbox.stytch.api.call import Call, Handler, build_endpoint
from sandbox.stytch.errors import StytchError
from sandbox.world import World

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HANDLERS: dict[str, dict[str, Handler]] = {
    "/organizations": {"POST": organizations.create_organization_call},
    "/organizations/search": {"POST": organizations.search_organizations},
    "/organizations/members/search": {"POST": members.search_members},
    "/organizations/members/dangerously_get/{member_id}": {
        "GET": members.dangerously_get_member_call
    },
    "/organizations/{organization_id}": {
        "GET": organizations.get_organization_call,
        "PUT": organizations.update_organization_call,
        "DELETE": organizations.delete_organization_call,
    },
    "/organizations/{organization_id}/metrics": {"GET": organizations.count_organization_members},
    "/organizations/{organization_id}/external_id": {
        "DELETE": organizations.delete_organization_external_id
    },
    "/organizations/{organization_id}/member": {"GET": members.get_member_call},
    "/organizations/{organization_id}/members": {"POST": members.create_member_call},
    "/organizations/{organization_id}/members/{member_id}": {
        "PUT": members.update_member_call,
        "DELETE": members.delete_member_call,
    },
    "/organizations/{organization_id}/members/{member_id}/reactivate": {
        "PUT": members.reactivate_member_call
    },
    "/organizations/{organization_id}/members/{member_id}/external_id": {
        "DELETE": members.delete_member_external_id
    },
    "/magic_links/authenticate": {"POST": magic_links.authenticate_magic_link},
    "/magic_links/email/invite": {"POST": magic_links.send_invitation},
    "/magic_links/email/login_or_signup": {"POST": magic_links.send_login_link},
    "/magic_links/email/discovery/send": {"POST": magic_links.send_discovery_link},
    "/magic_links/discovery/authenticate": {"POST": magic_links.authenticate_discovery_link},
    "/otps/email/login_or_signup": {"POST": otps.send_login_code},
    "/otps/email/authenticate": {"POST": otps.authenticate_code},
    "/otps/email/discovery/send": {"POST": otps.send_discovery_code},
    "/otps/email/discovery/authenticate": {"POST": otps.authenticate_discovery_code},
    "/otps/sms/send": {"POST": mfa.send_sms},
    "/otps/sms/authenticate": {"POST": mfa.authenticate_sms},
    "/totp": {"POST": mfa.create_totp},
    "/totp/authenticate": {"POST": mfa.authenticate_totp},
    "/recovery_codes/recover": {"POST": mfa.recover},
    "/recovery_codes/{organization_id}/{member_id}": {"GET": mfa.get_recovery_codes},
    "/public/oauth/{provider}/discovery/start": {"GET": oauth.start_discovery_sign_in},
    "/public/oauth/{provider}/start": {"GET": oauth.start_organization_sign_in},
    "/oauth/discovery/authenticate": {"POST": oauth.authenticate_discovery},
    "/oauth/authenticate": {"POST": oauth.authenticate_member},
    "/sso/authenticate": {"POST": sso.authenticate},
    "/sso/{organization_id}": {"GET": sso.list_connections_call},
    "/sso/{organization_id}/connections/{connection_id}": {"DELETE": sso.delete_connection_call},
    "/sso/oidc/{organization_id}": {"POST": sso.create_oidc_connection},
    "/sso/oidc/{organization_id}/connections/{connection_id}": {"PUT": sso.update_oidc_connection},
    "/sso/saml/{organization_id}": {"POST": sso.create_saml_connection},
    "/discovery/organizations": {"POST": discovery.list_organizations_call},
    "/discovery/organizations/create": {"POST": discovery.create_organization_call},
    "/discovery/intermediate_sessions/exchange": {"POST": discovery.exchange_intermediate_session},
    "/sessions": {"GET": sessions.list_sessions_call},
    "/sessions/authenticate": {"POST": sessions.authenticate_session},
    "/sessions/exchange": {"POST": sessions.exchange_session},
    "/sessions/revoke": {"POST": sessions.revoke_sessions},
    "/sessions/jwks/{project_id}": {"GET": sessions.get_jwks_call},
    "/rbac/policy": {"GET": rbac.get_policy_call},
    "/rbac/organizations/{organization_id}": {
        "GET": rbac.get_organization_roles_call,
        "PUT": rbac.set_organization_roles_call,
    },
}


def answer_not_found(_: Call) -> Document:
    """Refuse an unknown path."""
    raise StytchError("route_not_found")


def answer_not_allowed(_: Call) -> Document:
    """Refuse a method that the path does not support."""
    raise StytchError("method_not_allowed")


def build_api_routes(world: World) -> list[BaseRoute]:
    """Build the routes of the API.

    Each route accepts every method, so that a wrong one gets an error in Stytch's format.
    """
    found: list[BaseRoute] = [
        Route(
            path,
            build_endpoint(world, dict.fromkeys(METHODS, answer_not_allowed) | handlers),
            methods=METHODS,
        )
        for path, handlers in HANDLERS.items()
    ]
    unknown = build_endpoint(world, dict.fromkeys(METHODS, answer_not_found))
    return [*found, Route("/{path:path}", unknown, methods=METHODS)]
