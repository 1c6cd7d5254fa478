"""Authenticate the bearer of a request.

The token is verified here; member, person and organization are loaded in one statement.
"""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from identity.errors import InvalidSession
from identity.models import User
from identity.sessions import authenticate as sessions_authenticate
from identity.sessions import jwt
from identity.sessions.authenticate import RequestContext
from kit import actor


class SessionToken(BaseAuthentication):
    """Authenticate requests with `Authorization: Bearer <session JWT>`."""

    def authenticate(self, request: Request) -> tuple[User, RequestContext] | None:
        """Return the user and the context of a request, or None without a bearer.

        Raises InvalidSession.
        """
        token = read_bearer_token(request)
        if token is None:
            return None
        bound = sessions_authenticate.authenticate_claims(jwt.verify_token(token))
        actor.identify_actor("member", str(bound.member.pk))
        return bound.member.user, bound

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """Return what a 401 asks for."""
        return "Bearer"


def get_request_context(request: Request) -> RequestContext:
    """Return the context of an authenticated request, for views whose access asks for a session."""
    bound: RequestContext = request.auth  # type: ignore[assignment]  # DRF's stubs know their own Token only
    return bound


def read_bearer_token(request: Request) -> str | None:
    """Return the text after `Bearer`, the scheme compared in any case.

    Raises InvalidSession.
    """
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        return None
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise InvalidSession("Send `Authorization: Bearer <session token>`.")
    return token
