"""The table of Stytch's B2B API: every path, its methods, and who answers."""

from starlette.routing import BaseRoute, Route

from sandbox.store import Document
from sandbox.stytch.api import (
    discovery,
    magic_links,
    members,
    organizations,
    otps,
    rbac,
    sessions,
)
from sandbox.stytch.api.call import Call, Handler, endpoint
from sandbox.stytch.errors import StytchError
from sandbox.world import World

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
TABLE: dict[str, dict[str, Handler]] = {
    "/organizations": {"POST": organizations.create},
    "/organizations/search": {"POST": organizations.find},
    "/organizations/members/search": {"POST": members.find},
    "/organizations/members/dangerously_get/{member_id}": {"GET": members.dangerously_get},
    "/organizations/{organization_id}": {
        "GET": organizations.get,
        "PUT": organizations.update,
        "DELETE": organizations.delete,
    },
    "/organizations/{organization_id}/metrics": {"GET": organizations.metrics},
    "/organizations/{organization_id}/external_id": {"DELETE": organizations.delete_external_id},
    "/organizations/{organization_id}/member": {"GET": members.get},
    "/organizations/{organization_id}/members": {"POST": members.create},
    "/organizations/{organization_id}/members/{member_id}": {
        "PUT": members.update,
        "DELETE": members.delete,
    },
    "/organizations/{organization_id}/members/{member_id}/reactivate": {"PUT": members.reactivate},
    "/organizations/{organization_id}/members/{member_id}/external_id": {
        "DELETE": members.delete_external_id
    },
    "/magic_links/authenticate": {"POST": magic_links.authenticate},
    "/magic_links/email/invite": {"POST": magic_links.invite},
    "/magic_links/email/login_or_signup": {"POST": magic_links.login_or_signup},
    "/magic_links/email/discovery/send": {"POST": magic_links.discovery_send},
    "/magic_links/discovery/authenticate": {"POST": magic_links.discovery_authenticate},
    "/otps/email/login_or_signup": {"POST": otps.login_or_signup},
    "/otps/email/authenticate": {"POST": otps.authenticate},
    "/otps/email/discovery/send": {"POST": otps.discovery_send},
    "/otps/email/discovery/authenticate": {"POST": otps.discovery_authenticate},
    "/discovery/organizations": {"POST": discovery.organizations_list},
    "/discovery/organizations/create": {"POST": discovery.organizations_create},
    "/discovery/intermediate_sessions/exchange": {"POST": discovery.exchange},
    "/sessions": {"GET": sessions.get},
    "/sessions/authenticate": {"POST": sessions.authenticate},
    "/sessions/exchange": {"POST": sessions.exchange},
    "/sessions/revoke": {"POST": sessions.revoke},
    "/sessions/jwks/{project_id}": {"GET": sessions.jwks},
    "/rbac/policy": {"GET": rbac.policy},
    "/rbac/organizations/{organization_id}": {
        "GET": rbac.get_organization,
        "PUT": rbac.set_organization,
    },
}


def not_found(_: Call) -> Document:
    """Refuse a path nobody answers."""
    raise StytchError("route_not_found")


def not_allowed(_: Call) -> Document:
    """Refuse a method its path does not have."""
    raise StytchError("method_not_allowed")


def routes(world: World) -> list[BaseRoute]:
    """Return the routes, each complete: a wrong method is answered in Stytch's words too."""
    found: list[BaseRoute] = [
        Route(
            path, endpoint(world, dict.fromkeys(METHODS, not_allowed) | handlers), methods=METHODS
        )
        for path, handlers in TABLE.items()
    ]
    unknown = endpoint(world, dict.fromkeys(METHODS, not_found))
    return [*found, Route("/{path:path}", unknown, methods=METHODS)]
