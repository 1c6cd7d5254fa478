"""Parse and authenticate one call of the API and render its answer."""

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox import request_bodies
from sandbox.store import Document
from sandbox.stytch import arguments, credentials, errors, members, organizations, roles, sessions
from sandbox.stytch.errors import StytchError
from sandbox.stytch.values import build_stytch_id, normalize_email
from sandbox.world import World

# Called by verifiers and by browsers, which hold no secret.
WITHOUT_SECRET = ("/v1/b2b/sessions/jwks/", "/v1/b2b/public/")
TEMPORARY_REDIRECT = 307  # as https://stytch.com/docs/b2b/api/oauth-hubspot-discovery-start shows


@dataclass(frozen=True)
class Redirect:
    """Send the browser to another address, as the calls do that start a sign-in."""

    url: str


type Handler = Callable[["Call"], Document | Redirect]


@dataclass(frozen=True)
class Call:
    """Hold the arguments of one call, merged from path, query and body."""

    world: World
    data: Document
    acting: Document | None

    # Arguments

    def find_text(self, name: str) -> str | None:
        """Return an optional string."""
        return self.data.get(name)

    def get_text(self, name: str) -> str:
        """Return a required string."""
        value = self.find_text(name)
        if not value:
            raise StytchError("bad_request", f"{name} is required.")
        return value

    def get_email(self) -> str:
        """Return the required address in lower case."""
        return normalize_email(self.get_text("email_address"))

    def find_number(self, name: str) -> int | None:
        """Return an optional number."""
        return self.data.get(name)

    def get_minutes(self, name: str, *, usual: int, least: int, most: int) -> int:
        """Return a length in minutes and check its bounds."""
        value = self.find_number(name)
        if value is not None and not least <= value <= most:
            raise StytchError("invalid_argument", f"{name} must be {least} to {most} minutes.")
        return value or usual

    def find_mapping(self, name: str) -> Document | None:
        """Return an optional object."""
        return self.data.get(name)

    def get_flag(self, name: str) -> bool:
        """Return a boolean, which the SDK sends as `True` in queries and `true` in bodies."""
        value = self.data.get(name)
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def list_given(self, *names: str) -> Document:
        """Return the named arguments that are not null."""
        return {name: self.data[name] for name in names if self.data.get(name) is not None}

    # Objects that the arguments name

    def get_organization(self) -> Document:
        """Return the organization of `organization_id`."""
        return organizations.get_organization(self.world, self.get_text("organization_id"))

    def get_member(self, organization: Document) -> Document:
        """Return the member of `member_id`."""
        return members.get_member(self.world, organization, self.get_text("member_id"))

    def get_session(self) -> Document:
        """Return the session of `session_token` or `session_jwt`."""
        token, jwt = self.find_text("session_token"), self.find_text("session_jwt")
        return sessions.find_given_session(self.world, token=token, jwt=jwt)

    def find_intermediate_session(self) -> Document | None:
        """Find the intermediate session to which a further factor is added."""
        token = self.find_text("intermediate_session_token")
        return credentials.get_intermediate_session(self.world, token) if token else None

    def check_session_arguments(self) -> None:
        """Check the session arguments of a call.

        Handlers call this before they consume a link or a code.
        """
        sessions.get_lifetime(self.find_number("session_duration_minutes"))
        sessions.clean_claims(self.find_mapping("session_custom_claims") or {})
        self.find_intermediate_session()

    def find_running_session(self) -> Document | None:
        """Find the member session to which a further factor is added."""
        return self.get_session() if self.list_given("session_token", "session_jwt") else None

    # Permission

    def authorize(self, resource: str, *actions: str, of: Document, on: str | None = None) -> None:
        """Check the permission of the acting member.

        A call without an acting member has the project's key, which may do everything.
        """
        if self.acting is None:
            return
        if self.acting["organization_id"] != of["organization_id"]:
            raise StytchError("session_authorization_tenancy_error")
        resources = [resource, *(["stytch.self"] if on == self.acting["member_id"] else [])]
        for action in actions:
            if not any(self._grants(name, action) for name in resources):
                raise StytchError("session_authorization_error")

    def _grants(self, resource: str, action: str) -> bool:
        acting = self.acting or {}
        member = members.find_member(self.world, acting["member_id"])
        return bool(
            roles.list_granting_roles(
                self.world,
                organization_id=acting["organization_id"],
                role_ids=members.list_role_ids(self.world, member) if member else [],
                resource_id=resource,
                action=action,
            )
        )


def build_endpoint(world: World, handlers: dict[str, Handler]) -> Callable[[Request], Any]:
    """Build the endpoint of one path from its handlers by method."""

    async def answer(request: Request) -> Response:
        request_id = build_stytch_id("request-id")
        body = await request.body()
        try:
            result = handlers[request.method](parse_call(world, request, body))
        except StytchError as error:
            refusal = errors.build_error_body(
                status=error.status,
                error_type=error.error_type,
                message=error.message,
                request_id=request_id,
            )
            return JSONResponse(refusal, status_code=error.status)
        if isinstance(result, Redirect):
            return RedirectResponse(result.url, TEMPORARY_REDIRECT)
        return JSONResponse({"status_code": 200, "request_id": request_id, **result})

    return answer


def parse_call(world: World, request: Request, body: bytes) -> Call:
    """Check the credentials and the arguments of a request and return its call."""
    if not request.url.path.startswith(WITHOUT_SECRET):
        check_credentials(world, request.headers.get("authorization", ""))
    data: Document = dict(request.query_params)
    if body:
        try:
            given = request_bodies.parse_json_body(body)
        except ValueError as error:
            raise StytchError("bad_request", "The body is not JSON.") from error
        if not isinstance(given, dict):
            raise StytchError("bad_request", "The body must be a JSON object.")
        data |= given
    data |= request.path_params
    arguments.check_arguments(data)
    return Call(world=world, data=data, acting=find_acting_member(world, request))


def check_credentials(world: World, header: str) -> None:
    """Refuse credentials of another project."""
    settings = world.settings
    expected = base64.b64encode(f"{settings.stytch_project_id}:{settings.stytch_secret}".encode())
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic" or not hmac.compare_digest(given.encode(), expected):
        raise StytchError("unauthorized_credentials")


def find_acting_member(world: World, request: Request) -> Document | None:
    """Find the member session that a header of the request names."""
    token = request.headers.get("x-stytch-member-session")
    jwt = request.headers.get("x-stytch-member-sessionjwt")
    return sessions.find_given_session(world, token=token, jwt=jwt) if token or jwt else None
