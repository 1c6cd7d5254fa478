"""The bearer of a request: verified here, bound to member, person and organization in one query."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from identity.errors import InvalidSession
from identity.models import User
from identity.sessions import authenticate as sessions_authenticate
from identity.sessions import jwt
from identity.sessions.authenticate import Bound
from kit import actor


class SessionToken(BaseAuthentication):
    """`Authorization: Bearer <session JWT>`."""

    def authenticate(self, request: Request) -> tuple[User, Bound] | None:
        """Who the request is by; None without a bearer. Raises InvalidSession."""
        token = bearer(request)
        if token is None:
            return None
        bound = sessions_authenticate.bind(jwt.verify(token))
        actor.identify("member", str(bound.member.pk))
        return bound.member.user, bound

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        """What a 401 asks for."""
        return "Bearer"


def bound_to(request: Request) -> Bound:
    """Whose session the request carries; for views whose access asks for one."""
    bound: Bound = request.auth  # type: ignore[assignment]  # DRF's stubs know their own Token only
    return bound


def bearer(request: Request) -> str | None:
    """The text after `Bearer`; the scheme is compared in any case. Raises InvalidSession."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        return None
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise InvalidSession("Send `Authorization: Bearer <session token>`.")
    return token
